// Words that may come next: a best-first search over tokens, most likely first.
import { Reader } from "./generate.min.js";

/** How many continuations are looked at. Each costs a step of the network. */
const MOST = 30;
/** What is less likely than this, after what comes before it, is not worth a look. */
const LEAST = 1e-3;
/** A network of this size forgets what is further back. */
const CONTEXT = 300;

const LETTER = /^[\p{L}\p{M}'’]/u;

export class Completer {
  constructor(model) {
    this.model = model;
    this.texts = Array.from({ length: model.tokenizer.vocabSize }, (_, id) => model.tokenizer.decode([id]));
    this.goesOn = this.texts.map((text) => LETTER.test(text));
    this.head = undefined;
  }

  /**
   * The likeliest words where a text ends, as `[{ text, probability }]`: `text` is what is missing. The last word may
   * have been begun: its letters belong to tokens that the writer has not chosen, so the search starts before it, with
   * the tokens that agree with them.
   */
  suggest(text, count) {
    const begun = /(?:^| ?)[\p{L}\p{M}'’]*$/u.exec(text)[0];
    let queue = [
      { reader: this.#readerAfter(text.slice(0, text.length - begun.length)), text: "", share: 1 },
    ];
    const found = [];
    for (let looked = 0; looked < MOST && queue.length > 0 && found.length < count; looked++) {
      const best = queue.reduce((a, b) => (b.share > a.share ? b : a));
      queue = queue.filter((one) => one !== best);
      if (best.isWord) {
        found.push(best);
        continue;
      }
      const reader = best.id === undefined ? best.reader : best.reader.clone().read([best.id]);
      const probabilities = reader.probabilities();
      const isInside = best.text.length >= begun.length && best.text.trim() !== "";
      let end = 0;
      for (let id = 0; id < probabilities.length; id++) {
        const share = best.share * probabilities[id];
        if (isInside && !this.goesOn[id]) end += share;
        else if (probabilities[id] > LEAST && agrees(best.text + this.texts[id], begun)) {
          queue.push({ reader, id, text: best.text + this.texts[id], share });
        }
      }
      if (best.text.length > begun.length) queue.push({ text: best.text, share: end, isWord: true });
    }
    // Of all that agrees with the letters that are there.
    const total = [...found, ...queue].reduce((sum, { share }) => sum + share, 0);
    return found
      .map((word) => ({ text: word.text.slice(begun.length), probability: word.share / total }))
      .filter(({ probability }) => probability >= 0.01);
  }

  /** A reader that has read `head`; as one types, it reads only what is new. */
  #readerAfter(head) {
    if (this.head !== undefined && head.startsWith(this.head)) {
      if (head.length > this.head.length) this.reader.read(head.slice(this.head.length));
    } else {
      this.reader = new Reader(this.model).read("\n");
      const recent = head.slice(-CONTEXT);
      if (recent) this.reader.read(recent);
    }
    this.head = head;
    return this.reader.clone();
  }
}

/** Whether a text may become one that begins with what was begun, and is one word. */
function agrees(text, begun) {
  if (!text.startsWith(begun)) return begun.startsWith(text);
  return /^ ?[\p{L}\p{M}'’]+$/u.test(text);
}
