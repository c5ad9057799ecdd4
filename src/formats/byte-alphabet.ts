/**
 * GPT-2's byte alphabet: each of the 256 bytes as one printable character, so that a token made of bytes is a
 * string that a vocabulary file can hold. The printable characters of Latin-1 stand for themselves; the other 68
 * bytes (controls, the spaces, the soft hyphen) take U+0100 … U+0143, in order: the space is `Ġ`, the line feed `Ċ`.
 */

/** The character of each byte. */
export const byteToCharacter: readonly string[] = makeAlphabet();

/** One more than the largest code unit of the alphabet. */
export const ALPHABET_END = 0x144;

/** The byte of each code unit below {@link ALPHABET_END}; -1 for those outside the alphabet. */
export const characterToByte: Int16Array = invert(byteToCharacter);

function makeAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
}

function invert(alphabet: readonly string[]): Int16Array {
  const bytes = new Int16Array(ALPHABET_END).fill(-1);
  for (const [byte, character] of alphabet.entries()) bytes[character.charCodeAt(0)] = byte;
  return bytes;
}
