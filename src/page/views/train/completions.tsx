/** The model goes on from a prompt: the reader's, or a piece of the held-out text, beside how that really goes on. */
import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { Notice, TemperatureSlider } from "../../parts/controls.tsx";
import { type NamedToken, TokenStream } from "../../parts/token-stream.tsx";
import { UnknownNote, unknownIn } from "../../parts/unknown-note.tsx";
import { pieceOf } from "../../state/held-out.ts";
import type { Run } from "../../state/runs.ts";

const ALTERNATIVES = 5;

const PROMPTS = ["Call me ", "\n", "."];

/** What the samples go on from, or, for a model from a file, something that it knows. */
function defaultPrompt({ options, tokenizer }: Run): string {
  const model = tokenizer.peek();
  const isKnown = (text: string): boolean =>
    model !== undefined && model.encode(text).length > 0 && unknownIn(model, text).length === 0;
  return options.samples?.prompt ?? PROMPTS.find(isKnown) ?? PROMPTS[0];
}

export function Completions({ run }: { run: Run }) {
  const id = useId();
  const prompt = useSignal(defaultPrompt(run));
  const truth = useSignal<string | undefined>(undefined);
  const temperature = useSignal(0.7);
  const tokens = useSignal<readonly NamedToken[]>([]);
  const shownPrompt = useSignal("");
  const isBusy = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  const stop = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => stop.current?.abort(), []);

  const write = async (): Promise<void> => {
    stop.current?.abort();
    const own = new AbortController();
    stop.current = own;
    problem.value = undefined;
    tokens.value = [];
    shownPrompt.value = prompt.peek();
    isBusy.value = true;
    try {
      const trainer = await run.trainer();
      const tokenizer = run.tokenizer.peek();
      if (!tokenizer) throw new Error("This model's file holds no tokenizer, so it cannot read a prompt.");
      const name = (token: number): string => tokenizer.decode([token]);
      const length = tokenizer.kind === "character" ? 300 : 80;
      const options = {
        length,
        temperature: temperature.peek(),
        alternatives: ALTERNATIVES,
        seed: Date.now() % 1e6,
      };
      let pending: NamedToken[] = [];
      let drawn = performance.now();
      const show = (): void => {
        // Another one may have begun since.
        if (stop.current === own) tokens.value = [...tokens.peek(), ...pending];
        pending = [];
        drawn = performance.now();
      };
      for await (const token of trainer.generate(prompt.peek(), { ...options, signal: own.signal })) {
        const others = (token.alternatives ?? []).map((one) => ({
          text: name(one.id),
          probability: one.probability,
        }));
        pending.push({ ...token, others });
        if (performance.now() - drawn < 60) continue;
        show();
        // So that the page draws while tokens come faster than it can.
        await new Promise(requestAnimationFrame);
      }
      show();
    } catch (error) {
      if (stop.current === own) problem.value = (error as Error).message;
    } finally {
      if (stop.current === own) isBusy.value = false;
    }
  };

  const writeOwn = (): void => {
    if (prompt.peek() === "") return;
    truth.value = undefined;
    void write();
  };

  /** A prompt from the held-out part, another one each time. */
  const takeHeldOut = async (): Promise<void> => {
    if (isBusy.peek()) return;
    try {
      const piece = pieceOf(await run.heldOut(), Math.random());
      prompt.value = piece.prompt;
      truth.value = piece.truth;
      await write();
    } catch (error) {
      problem.value = (error as Error).message;
    }
  };

  return (
    <section class="panel completions" aria-label="Let it write">
      <div class="panel-head">
        <h3>Let it go on from your words</h3>
        <TemperatureSlider
          value={temperature.value}
          onChange={(value) => {
            temperature.value = value;
          }}
        />
      </div>
      <div class="row prompt-form">
        <label class="visually-hidden" for={id}>
          Prompt
        </label>
        <textarea
          id={id}
          rows={2}
          spellcheck={false}
          enterkeyhint="go"
          aria-describedby={`${id}-keys`}
          value={prompt.value}
          onInput={(event) => {
            prompt.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            writeOwn();
          }}
        />
        {/* One button, which keeps the focus. */}
        <button
          type="button"
          class="button"
          id={isBusy.value ? undefined : "write"}
          aria-disabled={!isBusy.value && prompt.value === ""}
          onClick={() => (isBusy.peek() ? stop.current?.abort() : writeOwn())}
        >
          {isBusy.value ? "Stop" : "Write"}
        </button>
        {run.settings && (
          <button
            type="button"
            class="button quiet"
            aria-disabled={isBusy.value}
            onClick={() => void takeHeldOut()}
          >
            From the held-out text
          </button>
        )}
      </div>
      <p class="field-note" id={`${id}-keys`}>
        Enter writes, Shift+Enter begins a new line.
      </p>
      <UnknownNote tokenizer={run.tokenizer.value} text={prompt.value} />
      {problem.value && <Notice kind="error">{problem.value}</Notice>}
      {(tokens.value.length > 0 || isBusy.value) && (
        <>
          <TokenStream prompt={shownPrompt.value} tokens={tokens.value} isBusy={isBusy.value} />
          <p class="field-note">
            Pale: it was unsure. Point at a token, or move with the arrow keys, to see what else it thought
            of.
          </p>
        </>
      )}
      {truth.value && (
        <p class="truth">
          <span class="field-label">How it really goes on</span>
          {truth.value} …
        </p>
      )}
    </section>
  );
}
