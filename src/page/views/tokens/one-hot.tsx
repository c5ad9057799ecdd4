/** One-hot against dense: the same words as rows of zeros with a one, and as vectors learnt from a text. */
import { signal, useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { Lab } from "../../lab/lab.ts";
import type { VectorsOutput } from "../../lab/vectors.ts";
import { Notice } from "../../parts/controls.tsx";
import { integer } from "../../parts/format.ts";
import { diverging, shade } from "../../parts/heat.ts";
import { PlayIcon } from "../../parts/icons.tsx";
import { hasSIMD } from "../../state/support.ts";
import { loadText } from "../../state/texts.ts";

const lab = new Lab();
const vectors = signal<VectorsOutput | undefined>(undefined);
const isLearning = signal(false);
const problem = signal<string | undefined>(undefined);

const STEPS = 2000;
const SIZE = 32;
const VOCABULARY = 1500;
const WORDS = ["whale", "ship", "sea", "captain", "ahab", "he", "his", "two", "three"];
const MOST_WORDS = 12;

async function learn(): Promise<void> {
  if (isLearning.peek()) return;
  isLearning.value = true;
  problem.value = undefined;
  try {
    const text = await loadText("moby-dick");
    const input = { text, vocabSize: VOCABULARY, size: SIZE, steps: STEPS };
    vectors.value = await lab.run("vectors", input, (look) => {
      vectors.value = look;
    });
  } catch (error) {
    problem.value = (error as Error).message;
  } finally {
    isLearning.value = false;
  }
}

export function OneHot() {
  const id = useId();
  const written = useSignal(WORDS.join(" "));
  const learnt = vectors.value;
  const wanted = [
    ...new Set(
      written.value
        .toLowerCase()
        .split(/[\s,;]+/)
        .filter((word) => word !== ""),
    ),
  ];
  const known = learnt ? wanted.filter((word) => learnt.words.includes(word)) : wanted;
  const unknown = wanted.filter((word) => !known.includes(word));
  const words = known.slice(0, MOST_WORDS);
  return (
    <section class="panel one-hot" aria-label="One-hot against dense">
      <div class="panel-head">
        <div>
          <h2>One-hot against dense</h2>
          <p class="deck">
            As rows of zeros with a single one, all words are equally far apart: every dot product of two is
            0. Vectors that are learnt by guessing a word's neighbours (skip-gram, Mikolov et al. 2013) put
            like words side by side.
          </p>
        </div>
        <button
          type="button"
          class="button primary"
          id="vectors"
          disabled={!hasSIMD}
          aria-disabled={isLearning.value}
          onClick={() => void learn()}
        >
          <PlayIcon /> {learnt ? "Learn them again" : "Learn vectors from Moby-Dick"}
        </button>
      </div>
      {problem.value && <Notice kind="error">{problem.value}</Notice>}
      <div class="field">
        <label class="field-label" for={id}>
          Words
        </label>
        <input
          id={id}
          type="text"
          spellcheck={false}
          value={written.value}
          onInput={(event) => {
            written.value = event.currentTarget.value;
          }}
        />
        <p class="field-note" aria-live="polite">
          {learnt
            ? `Step ${integer(learnt.step)} of ${integer(learnt.steps)}, ${integer(learnt.words.length)} words of ${learnt.size} numbers${Number.isFinite(learnt.loss) ? `, loss ${learnt.loss.toFixed(2)} nats` : ""}`
            : "About fifteen seconds of the engine's time."}
          {unknown.length > 0 && ` · not among the most frequent words: ${unknown.join(", ")}`}
        </p>
      </div>
      <div class="hot-pair">
        <figure>
          <figcaption>
            <h3>One-hot: {integer(learnt?.words.length ?? VOCABULARY)} numbers a word</h3>
          </figcaption>
          <OneHotRows words={words} learnt={learnt} />
          <Products words={words} product={(a, b) => (a === b ? 1 : 0)} />
        </figure>
        <figure>
          <figcaption>
            <h3>Dense: {SIZE} numbers a word</h3>
          </figcaption>
          {learnt ? (
            <>
              <DenseRows words={words} learnt={learnt} />
              <Products words={words} product={cosine(learnt)} />
              <Neighbours words={words} learnt={learnt} />
            </>
          ) : (
            <div class="empty small">
              <p>No vectors yet: learn them, and watch rows and products take shape.</p>
            </div>
          )}
        </figure>
      </div>
    </section>
  );
}

function OneHotRows({ words, learnt }: { words: readonly string[]; learnt: VectorsOutput | undefined }) {
  const total = learnt?.words.length ?? VOCABULARY;
  return (
    <div class="hot-rows">
      {words.map((word, i) => {
        const place = learnt ? learnt.words.indexOf(word) : (i * 173 + 20) % total;
        return (
          <div key={word} class="hot-row">
            <span class="hot-word">{word}</span>
            <span class="hot-line" title={`0 everywhere, 1 at place ${integer(place)}`}>
              <span class="hot-one" style={{ left: `${(100 * place) / total}%` }} />
            </span>
          </div>
        );
      })}
    </div>
  );
}

function vectorOf({ words, vectors, size }: VectorsOutput, word: string): Float32Array {
  const at = words.indexOf(word);
  return vectors.subarray(at * size, (at + 1) * size);
}

function DenseRows({ words, learnt }: { words: readonly string[]; learnt: VectorsOutput }) {
  return (
    <div class="hot-rows">
      {words.map((word) => {
        const vector = vectorOf(learnt, word);
        const most = Math.max(...Array.from(vector, Math.abs), 1e-9);
        return (
          <div key={word} class="hot-row">
            <span class="hot-word">{word}</span>
            <span class="dense-line">
              {Array.from(vector, (value, i) => (
                <span key={i} title={value.toFixed(2)} style={{ background: diverging(value / most) }} />
              ))}
            </span>
          </div>
        );
      })}
    </div>
  );
}

/** The dot product of vectors of length 1. */
function cosine(learnt: VectorsOutput): (a: string, b: string) => number {
  return (a, b) => {
    const [x, y] = [vectorOf(learnt, a), vectorOf(learnt, b)];
    let [xy, xx, yy] = [0, 0, 0];
    for (let i = 0; i < x.length; i++) {
      xy += x[i] * y[i];
      xx += x[i] * x[i];
      yy += y[i] * y[i];
    }
    return xy / Math.sqrt(xx * yy);
  };
}

function Products({
  words,
  product,
}: {
  words: readonly string[];
  product: (a: string, b: string) => number;
}) {
  return (
    <section
      class="products-scroll"
      aria-label="Dot products"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keys.
      tabIndex={0}
    >
      <table class="products">
        <caption class="visually-hidden">Dot products of each two words' vectors, of length 1</caption>
        <thead>
          <tr>
            <td />
            {words.map((word) => (
              <th key={word} scope="col">
                <span>{word}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {words.map((a) => (
            <tr key={a}>
              <th scope="row">{a}</th>
              {words.map((b) => {
                const value = product(a, b);
                return (
                  <td key={b} style={shade(value)}>
                    {value === 0
                      ? "0"
                      : value
                          .toFixed(value === 1 ? 0 : 1)
                          .replace("-0.0", "0.0")
                          .replace("-", "−")}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Neighbours({ words, learnt }: { words: readonly string[]; learnt: VectorsOutput }) {
  const product = cosine(learnt);
  return (
    <dl class="neighbours">
      {words.slice(0, 6).map((word) => {
        const near = learnt.words
          .filter((other) => other !== word && /^\p{L}+$/u.test(other))
          .map((other) => ({ other, value: product(word, other) }))
          .sort((a, b) => b.value - a.value)
          .slice(0, 5);
        return (
          <div key={word}>
            <dt>{word}</dt>
            <dd>{near.map(({ other }) => other).join(", ")}</dd>
          </div>
        );
      })}
    </dl>
  );
}
