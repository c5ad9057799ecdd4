/** A text in slices, live. */
import { signal, useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { CharacterTokenizer, type Tokenizer } from "unrolled";
import { hexOf } from "../../library.ts";
import { Figure, Segmented, StopSlider } from "../../parts/controls.tsx";
import { integer, visible } from "../../parts/format.ts";
import { moveFocus } from "../../parts/move-focus.ts";
import { BYTES, learnt, progress, size, stopGrowing, tokenizer } from "./vocabulary.ts";

const text = signal(
  "Call me Ishmael. The whale, the unbelievable white whale, surfaced again; naïve harpooneers shouted 🐋!",
);
const kind = signal<"bpe" | "char">("bpe");
/** More tokens than anyone reads would make every key press slow. */
const MOST = 1500;

export function Slices() {
  const id = useId();
  const bpe = tokenizer.value;
  const current: Tokenizer | undefined = kind.value === "bpe" ? bpe : CharacterTokenizer.train(text.value);
  const ids = current?.encode(text.value, { parseSpecial: false }) ?? new Int32Array();
  const bytes = new TextEncoder().encode(text.value).length;
  const most = learnt.value?.description.tokens.length ?? BYTES;
  return (
    <section class="panel slices" aria-label="Tokens of a text">
      <div class="slices-grid">
        <div class="slices-input">
          <label class="field-label" for={id}>
            Type here
          </label>
          <textarea
            id={id}
            rows={4}
            spellcheck={false}
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
            }}
          />
          <Segmented
            label="A token is"
            choices={[
              { value: "bpe", label: "a run of bytes" },
              { value: "char", label: "a character" },
            ]}
            value={kind.value}
            note={
              kind.value === "bpe"
                ? "Sennrich, Haddow & Birch 2016; over bytes, Radford et al. 2019"
                : "Sutskever, Martens & Hinton 2011"
            }
            onChange={(value) => {
              kind.value = value;
            }}
          />
          {kind.value === "bpe" && (
            <StopSlider
              label="Vocabulary in use"
              stops={sizes(most)}
              value={size.value}
              format={integer}
              note={learnt.value && `${integer(most)} tokens were learnt from ${learnt.value.source}`}
              disabled={!learnt.value}
              onChange={(value) => {
                stopGrowing();
                size.value = value;
              }}
            />
          )}
        </div>
        <div class="slices-output">
          {current ? (
            <TokenList tokenizer={current} ids={ids.subarray(0, MOST)} />
          ) : (
            <p class="quiet" aria-live="polite">
              {progress.value ?? "Learning byte pairs …"}
            </p>
          )}
          {ids.length > MOST && (
            <p class="field-note">
              The first {integer(MOST)} of {integer(ids.length)} tokens.
            </p>
          )}
          <dl class="figures">
            <Figure label="Characters" value={integer([...text.value].length)} />
            <Figure label="Bytes" value={integer(bytes)} />
            <Figure label="Tokens" value={integer(ids.length)} />
            <Figure label="Bytes per token" value={ids.length > 0 ? (bytes / ids.length).toFixed(2) : "–"} />
          </dl>
        </div>
      </div>
    </section>
  );
}

/** Sizes for the slider, denser where merges matter more. */
function sizes(most: number): number[] {
  const count = 120;
  const all = Array.from({ length: count + 1 }, (_, i) => Math.round(BYTES * (most / BYTES) ** (i / count)));
  return [...new Set(all)];
}

const COLOURS = 5;

function TokenList({ tokenizer, ids }: { tokenizer: Tokenizer; ids: Int32Array }) {
  const looked = useSignal<number | undefined>(undefined);
  const pieces = Array.from(ids, (id) => pieceOf(tokenizer, id));
  const at = looked.value !== undefined && looked.value < ids.length ? looked.value : undefined;
  return (
    <>
      <p class="token-list">
        {pieces.map((piece, i) => (
          <button
            key={i}
            type="button"
            tabIndex={i === (at ?? 0) ? 0 : -1}
            class={`token colour-${i % COLOURS}${piece.isPart ? " is-part" : ""}`}
            onMouseEnter={() => (looked.value = i)}
            onFocus={() => (looked.value = i)}
            onKeyDown={moveFocus}
          >
            {piece.shown}
          </button>
        ))}
      </p>
      <p class="token-detail" aria-live="polite">
        {at === undefined ? (
          <span class="quiet">Point at a token, or go to it by keys, to see its number and bytes.</span>
        ) : (
          <>
            <b>{pieces[at].shown}</b> is number <b>{integer(ids[at])}</b>, {pieces[at].bytes}
          </>
        )}
      </p>
    </>
  );
}

/** A token as one can see it: bytes that are no whole character are shown as hexadecimal digits. */
function pieceOf(tokenizer: Tokenizer, id: number): { shown: string; bytes: string; isPart: boolean } {
  const raw =
    "tokenBytes" in tokenizer
      ? (tokenizer as { tokenBytes(id: number): Uint8Array }).tokenBytes(id)
      : new TextEncoder().encode(tokenizer.decode([id]));
  const digits = hexOf(raw);
  const bytes = `${raw.length === 1 ? "byte" : "bytes"} ${digits}`;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(raw);
    return { shown: visible(text), bytes, isPart: false };
  } catch {
    return { shown: digits, bytes, isPart: true };
  }
}
