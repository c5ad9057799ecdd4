// Generation from a model that is fetched from a URL.
import { fetchModelFile, generate, loadModel } from "./generate.min.js";

const element = (id) => document.getElementById(id);
const [url, status, progress, go] = ["url", "status", "progress", "go"].map(element);
const [text, temperature, length, output] = ["text", "temperature", "length", "output"].map(element);

let model;
/** What the status says unless something went wrong. */
let description;
/** Stops what is being written, or fetched. */
let writing;
let loading;

async function load() {
  writing?.abort();
  loading?.abort();
  loading = new AbortController();
  const { signal } = loading;
  model = undefined;
  go.disabled = true;
  status.className = "";
  status.textContent = "Loading …";
  progress.hidden = false;
  progress.removeAttribute("value");
  try {
    const file = await fetchModelFile(url.value, {
      signal,
      maximumBytes: 64e6,
      onProgress: (received, total) => {
        if (total) progress.value = received / total;
      },
    });
    const loaded = await loadModel(file);
    if (signal.aborted) return;
    model = loaded;
    const { cell, numLayers, hiddenSize, vocabSize } = model.config;
    description =
      `${cell.toUpperCase()}, ${numLayers} × ${hiddenSize} units, ${vocabSize} tokens, ` +
      `${Math.ceil(file.length / 1000)} kB`;
    status.textContent = description;
    go.disabled = false;
  } catch (error) {
    if (signal.aborted) return;
    status.className = "error";
    // The library's errors are made to be read. They are text: textContent shows them as such.
    status.textContent = error.message;
  } finally {
    if (!signal.aborted) progress.hidden = true;
  }
}

async function write() {
  writing = new AbortController();
  go.textContent = "Stop";
  status.className = "";
  status.textContent = description;
  output.replaceChildren(
    Object.assign(document.createElement("span"), { className: "given", textContent: text.value }),
  );
  element("speed").textContent = "";
  const start = performance.now();
  let count = 0;
  try {
    const options = {
      length: length.valueAsNumber,
      temperature: temperature.valueAsNumber,
      seed: Math.floor(Math.random() * 2 ** 32),
      signal: writing.signal,
    };
    let busy = 0;
    for await (const token of generate(model, text.value, options)) {
      const span = document.createElement("span");
      span.className = "token";
      // Whatever a token is, it is text.
      span.textContent = token.text;
      span.style.setProperty("--p", token.probability.toFixed(3));
      output.append(span);
      count++;
      busy = performance.now() - start;
      // At a pace that can be read.
      await new Promise((resolve) => setTimeout(resolve, 12));
    }
    element("speed").textContent = `${count} tokens in ${(busy / 1000).toFixed(1)} s`;
  } catch (error) {
    status.className = "error";
    status.textContent = error.message;
  } finally {
    writing = undefined;
    go.textContent = "Write";
  }
}

const showTemperature = () => {
  element("shown").textContent = temperature.valueAsNumber.toFixed(2);
};
temperature.addEventListener("input", showTemperature);
showTemperature();

element("source").addEventListener("submit", (event) => {
  event.preventDefault();
  load();
});
element("prompt").addEventListener("submit", (event) => {
  event.preventDefault();
  if (writing) writing.abort();
  else write();
});

// generate.html?model=https://… shows another one.
url.value = new URLSearchParams(location.search).get("model") ?? "moby-dick.safetensors";
load();
