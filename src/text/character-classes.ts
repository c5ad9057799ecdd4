/** What kind of character a code point is, as far as the pre-tokenizers tell them apart. */

export const OTHER = 0;
/** \p{L} */
export const LETTER = 1;
/** \p{N} */
export const NUMBER = 2;
/** \p{White_Space} */
export const SPACE = 3;

/** The classes of 256 code points each; made when the first of them is asked for. */
const pages: (Uint8Array | undefined)[] = new Array(0x110000 >> 8).fill(undefined);

export function classOf(codePoint: number): number {
  return (pages[codePoint >> 8] ?? makePage(codePoint >> 8))[codePoint & 255];
}

function makePage(page: number): Uint8Array {
  const classes = new Uint8Array(256);
  for (let i = 0; i < 256; i++) {
    const character = String.fromCodePoint((page << 8) | i);
    if (/^\p{L}$/u.test(character)) classes[i] = LETTER;
    else if (/^\p{N}$/u.test(character)) classes[i] = NUMBER;
    else if (/^\p{White_Space}$/u.test(character)) classes[i] = SPACE;
  }
  pages[page] = classes;
  return classes;
}
