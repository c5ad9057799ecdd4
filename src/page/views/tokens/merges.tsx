/** The list of merges, in the order in which they were learnt, and learning them from a text. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { mergesWithin } from "../../lab/bpe.ts";
import { ByteLevelBPETokenizer, hexOf, MERGE_FIELDS } from "../../library.ts";
import { Chart } from "../../parts/chart.tsx";
import { Notice, Select, StopSlider } from "../../parts/controls.tsx";
import { integer, visible } from "../../parts/format.ts";
import { PlayIcon } from "../../parts/icons.tsx";
import { TextInput } from "../../parts/text-input.tsx";
import { OWN, SUPPLIED } from "../../state/supplied.ts";
import { ownText } from "../../state/texts.ts";
import { finishGrowing, grow, learn, learnt, problem, progress, size, stopGrowing } from "./vocabulary.ts";

const SOURCES = [
  ...SUPPLIED.map(({ id, title }) => ({ value: id, label: title })),
  { value: OWN, label: "Your own text" },
];

export function Merges() {
  const source = useSignal("moby-dick");
  const vocabSize = useSignal(2048);
  useEffect(() => {
    if (!learnt.peek() && progress.peek() === undefined) void learn("moby-dick", "Moby-Dick", 2048);
    return finishGrowing;
  }, []);
  const isMissing = source.value === OWN && ownText.value.trim() === "";
  return (
    <section class="merges" aria-label="Byte-pair encoding">
      <div class="panel learn">
        <h2>Learn them from a text</h2>
        <Select
          label="Text"
          choices={SOURCES}
          value={source.value}
          onChange={(value) => {
            source.value = value;
          }}
        />
        {source.value === OWN && <TextInput />}
        <StopSlider
          label="Vocabulary"
          stops={[300, 400, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192]}
          value={vocabSize.value}
          format={integer}
          note="256 bytes, and one token more for each merge"
          onChange={(value) => {
            vocabSize.value = value;
          }}
        />
        <div class="row">
          <button
            type="button"
            class="button primary"
            id="learn"
            disabled={isMissing}
            aria-disabled={progress.value !== undefined}
            onClick={() => {
              if (progress.peek() !== undefined) return;
              const title = SOURCES.find(({ value }) => value === source.value)?.label ?? "";
              void learn(source.value, source.value === OWN ? "your text" : title, vocabSize.value);
            }}
          >
            <PlayIcon /> Learn
          </button>
          {learnt.value && (
            <button type="button" class="button quiet" onClick={grow}>
              Watch it grow again
            </button>
          )}
        </div>
        <p class="field-note" aria-live="polite">
          {progress.value ??
            (learnt.value &&
              `${integer(learnt.value.description.tokens.length)} tokens from ${learnt.value.source} in ${learnt.value.seconds.toFixed(2)} s`)}
        </p>
        {problem.value && <Notice kind="error">{problem.value}</Notice>}
        <Growth />
      </div>
      <MergeList />
    </section>
  );
}

/** How far the vocabulary has come: each merge makes tokens longer, and each the next one less so. */
function Growth() {
  if (!learnt.value) return null;
  const { growth, source } = learnt.value;
  const reached = growth.filter((point) => point.size <= size.value);
  const now = reached.at(-1) ?? growth[0];
  const all = { x: growth.map((point) => point.size), y: growth.map((point) => point.bytesPerToken) };
  return (
    <figure class="growth">
      <figcaption>
        <h3>Bytes per token, by vocabulary</h3>
        <span class="field-value">{now.bytesPerToken.toFixed(2)}</span>
      </figcaption>
      <Chart
        lines={[
          { label: "to come", colour: "line-strong", kind: "dashed", ...all },
          {
            label: "reached",
            colour: "accent",
            x: reached.map((point) => point.size),
            y: reached.map((point) => point.bytesPerToken),
          },
        ]}
        summary={`With ${integer(now.size)} tokens a token of ${source} is ${now.bytesPerToken.toFixed(2)} bytes long`}
        height={150}
        xLabel="tokens"
        xMax={growth.at(-1)?.size}
      />
    </figure>
  );
}

const ROW = 30;
const VISIBLE = 13;

/** Only the rows in sight are in the page: there may be thousands. */
function MergeList() {
  const box = useRef<HTMLElement>(null);
  const top = useSignal(0);
  const filter = useSignal("");
  const description = learnt.value?.description;
  const used = description ? mergesWithin(description, size.value) : 0;
  const names = useTokenNames();
  useEffect(() => {
    // The newest merge stays in sight while the vocabulary grows.
    if (box.current && filter.peek() === "") box.current.scrollTop = Math.max(0, (used - VISIBLE + 2) * ROW);
  }, [used]);
  if (!description) return <div class="panel merge-list" />;
  const { merges } = description;
  const wanted = filter.value.toLowerCase();
  const indices: number[] = [];
  for (let i = 0; i < merges.length / MERGE_FIELDS; i++) {
    if (
      wanted === "" ||
      names(merges[i * MERGE_FIELDS + 2])
        .toLowerCase()
        .includes(wanted)
    )
      indices.push(i);
  }
  const first = Math.max(0, Math.floor(top.value / ROW) - 4);
  const shown = indices.slice(first, first + VISIBLE + 9);
  return (
    <div class="panel merge-list">
      <div class="panel-head">
        <h2>
          {integer(used)} merges <span class="quiet">of {integer(merges.length / MERGE_FIELDS)}</span>
        </h2>
        <input
          type="search"
          aria-label="Search merges"
          placeholder="Search, e.g. whale"
          value={filter.value}
          onInput={(event) => {
            filter.value = event.currentTarget.value;
          }}
        />
      </div>
      <section
        ref={box}
        class="merge-scroll"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keys.
        tabIndex={0}
        aria-label="Merges in the order in which they were learnt"
        style={{ height: `${ROW * VISIBLE}px` }}
        onScroll={(event) => {
          top.value = event.currentTarget.scrollTop;
        }}
      >
        <ol style={{ height: `${ROW * indices.length}px` }}>
          {shown.map((index, i) => {
            const at = index * MERGE_FIELDS;
            return (
              <li
                key={index}
                class={index < used ? (index === used - 1 ? "is-newest" : undefined) : "is-later"}
                style={{ transform: `translateY(${ROW * (first + i)}px)` }}
              >
                <button
                  type="button"
                  tabIndex={-1}
                  onClick={() => {
                    stopGrowing();
                    size.value = merges[at + 2] + 1;
                  }}
                >
                  <span class="merge-rank">{integer(index + 1)}</span>
                  <span class="merge-pair">
                    <span class="piece">{names(merges[at])}</span>
                    <span class="plus">+</span>
                    <span class="piece">{names(merges[at + 1])}</span>
                  </span>
                  <span class="merge-result">{names(merges[at + 2])}</span>
                </button>
              </li>
            );
          })}
        </ol>
        {indices.length === 0 && (
          <p class="quiet merge-none">
            {wanted === ""
              ? "No pair of bytes comes twice: there is nothing to merge."
              : `No merge makes ${JSON.stringify(filter.value)}.`}
          </p>
        )}
      </section>
    </div>
  );
}

/** Tokens as text, from the whole vocabulary. */
function useTokenNames(): (id: number) => string {
  const made = useRef<
    { of: unknown; names: Map<number, string>; tokenizer: ByteLevelBPETokenizer } | undefined
  >(undefined);
  const description = learnt.value?.description;
  if (description && made.current?.of !== description) {
    made.current = { of: description, names: new Map(), tokenizer: new ByteLevelBPETokenizer(description) };
  }
  return (id) => {
    const { names, tokenizer } = made.current!;
    let name = names.get(id);
    if (name === undefined) {
      const bytes = tokenizer.tokenBytes(id);
      try {
        name = visible(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
      } catch {
        name = hexOf(bytes);
      }
      names.set(id, name);
    }
    return name;
  };
}
