// A text box that suggests the next word at every key.

import { Completer } from "./completions.js";
import { fetchModelFile, loadModel } from "./generate.min.js";

const element = (id) => document.getElementById(id);
const [text, mirror, list, status] = ["text", "mirror", "suggestions", "status"].map(element);

/** Below it, the word is only in the list. */
const SURE = 0.15;

let completer;
/** The word in grey behind the text. */
let ghost = "";
let slowest = 0;

function show(suggestions) {
  const [first] = suggestions;
  ghost = first && first.probability >= SURE ? first.text : "";
  const rest = document.createElement("span");
  rest.className = "ghost";
  rest.textContent = ghost;
  // The text itself is there to push the grey word to its place. All of it is text, never markup.
  mirror.replaceChildren(text.value, rest);
  mirror.scrollTop = text.scrollTop;
  list.replaceChildren(
    ...suggestions.map(({ text: missing, probability }) => {
      const word = /\S*$/.exec(text.value)[0] + missing;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = word.trim();
      button.style.setProperty("--p", probability.toFixed(3));
      button.title = `${Math.round(100 * probability)} %`;
      button.addEventListener("click", () => insert(missing));
      const item = document.createElement("li");
      item.append(button);
      return item;
    }),
  );
}

/** Puts a word where the caret is, as if it had been typed: the browser can undo it. */
function insert(missing) {
  text.focus();
  if (!document.execCommand("insertText", false, missing))
    text.setRangeText(missing, text.selectionStart, text.selectionEnd, "end");
  update();
}

function update() {
  const { value, selectionStart, selectionEnd } = text;
  if (!completer || selectionStart !== value.length || selectionEnd !== value.length) {
    show([]);
    return;
  }
  const start = performance.now();
  const suggestions = completer.suggest(value, 5);
  const time = performance.now() - start;
  show(suggestions);
  slowest = Math.max(slowest, time);
  element("speed").textContent = `this key ${time.toFixed(1)} ms, slowest ${slowest.toFixed(1)} ms`;
}

text.addEventListener("input", update);
text.addEventListener("click", update);
text.addEventListener("keyup", (event) => {
  if (/^(?:Arrow|Home|End)/.test(event.key)) update();
});
text.addEventListener("scroll", () => {
  mirror.scrollTop = text.scrollTop;
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Escape") show([]);
  if (event.key !== "Tab" || event.shiftKey || !ghost) return;
  event.preventDefault();
  insert(ghost);
});

try {
  const file = await fetchModelFile("speeches.safetensors", { maximumBytes: 8e6, timeout: 30_000 });
  const model = await loadModel(file);
  completer = new Completer(model);
  // The first words compile: before the first key, not with it.
  for (let i = 0; i < 3; i++) completer.suggest("My fellow Americans, we ha", 5);
  status.textContent = `The model has ${Math.ceil(file.length / 1000)} kB.`;
  text.disabled = false;
  text.focus();
  update();
} catch (error) {
  status.className = "error";
  status.textContent = error.message;
}
