import { Merges } from "./tokens/merges.tsx";
import { OneHot } from "./tokens/one-hot.tsx";
import { Slices } from "./tokens/slices.tsx";

export function TokensView() {
  return (
    <div class="view tokens">
      <header class="view-head">
        <h1>Text becomes tokens, tokens become vectors</h1>
        <p class="deck">
          A network reads numbers. Byte-pair encoding starts from single bytes and merges the pair of
          neighbours that is most frequent, again and again, until words are a token or two.
        </p>
      </header>
      <Slices />
      <Merges />
      <OneHot />
    </div>
  );
}
