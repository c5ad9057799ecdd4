/** Says what of a text a model does not know. */
import { CharacterTokenizer, type Tokenizer, WordTokenizer } from "unrolled";

const MOST_LISTED = 20;

/** The characters, or words, that are read as `<unk>`. */
export function unknownIn(tokenizer: Tokenizer, text: string): string[] {
  if (tokenizer instanceof CharacterTokenizer) return tokenizer.unknownCharacters(text);
  return tokenizer instanceof WordTokenizer ? tokenizer.unknownWords(text) : [];
}

export function UnknownNote({ tokenizer, text }: { tokenizer: Tokenizer | undefined; text: string }) {
  const unknown = tokenizer ? unknownIn(tokenizer, text) : [];
  const listed = unknown.slice(0, MOST_LISTED).map((one) => JSON.stringify(one));
  const more = unknown.length - listed.length;
  return (
    <p class="field-note unknown" aria-live="polite" hidden={unknown.length === 0}>
      The model never saw, and reads as <code>&lt;unk&gt;</code>: {listed.join(" ")}
      {more > 0 && ` and ${more} more`}
    </p>
  );
}
