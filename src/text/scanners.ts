/**
 * The usual patterns of pre-tokenizers by hand: they cut as the patterns in formats/patterns.ts do, several times as fast,
 * and pieces may have any length. Each returns where the piece that begins at `start` ends.
 */
import { classOf, LETTER, NUMBER, OTHER, SPACE } from "./character-classes.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BLANK = 0x20;
const APOSTROPHE = 0x27;

export function scanGPT2(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === APOSTROPHE) {
    const length = contraction(text, start + 1);
    if (length > 0) return start + 1 + length;
  }
  // ` ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+`
  const from = first === BLANK && start + 1 < text.length ? start + 1 : start;
  const kind = classAt(text, from);
  return kind === SPACE ? whiteSpaceEnd(text, start) : runEnd(text, from, kind);
}

export function scanCL100K(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === APOSTROPHE) {
    const length = contraction(
      text
        .slice(start + 1, start + 3)
        .toLowerCase()
        .replaceAll("ſ", "s"),
      0,
    );
    if (length > 0) return start + 1 + length;
  }
  const kind = classAt(text, start);
  if (kind === LETTER) return runEnd(text, start, LETTER);
  if (kind === NUMBER) return runEnd(text, start, NUMBER, 3);
  // `[^\r\n\p{L}\p{N}]?\p{L}+`
  const next = start + widthAt(text, start);
  const nextKind = next < text.length ? classAt(text, next) : SPACE;
  if (nextKind === LETTER && !isLineBreak(first)) return runEnd(text, next, LETTER);
  // ` ?[^\s\p{L}\p{N}]+[\r\n]*`
  if (kind === OTHER || (first === BLANK && nextKind === OTHER)) {
    return lineBreaksEnd(text, runEnd(text, kind === OTHER ? start : next, OTHER));
  }
  // `\s*[\r\n]+`: up to the last line break.
  const spaceEnd = runEnd(text, start, SPACE);
  for (let i = spaceEnd; i > start; i--) if (isLineBreak(text.charCodeAt(i - 1))) return i;
  return whiteSpaceEnd(text, start);
}

export function scanWhiteSpace(text: string, start: number): number {
  const isSpace = classAt(text, start) === SPACE;
  let end = start;
  while (end < text.length && (classAt(text, end) === SPACE) === isSpace) end++;
  return end;
}

/** The length of the `s`, `t`, `re`, `ve`, `m`, `ll` or `d` that begins at i; 0 if there is none. */
function contraction(text: string, i: number): number {
  switch (text[i]) {
    case "s":
    case "t":
    case "m":
    case "d":
      return 1;
    case "r":
    case "v":
      return text[i + 1] === "e" ? 2 : 0;
    case "l":
      return text[i + 1] === "l" ? 2 : 0;
    default:
      return 0;
  }
}

/** `\s+(?!\S)|\s+`: white space but for its last character, if something follows; that one stays with it. */
function whiteSpaceEnd(text: string, start: number): number {
  const end = runEnd(text, start, SPACE);
  return end === text.length || end === start + 1 ? end : end - 1;
}

/** Where the characters of that kind end that begin at i; after `most` of them at the latest. */
function runEnd(text: string, start: number, kind: number, most = Infinity): number {
  let i = start;
  for (let count = 0; count < most && i < text.length; count++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xd800 || unit > 0xdfff) {
      if (classOf(unit) !== kind) break;
      i++;
    } else {
      if (classAt(text, i) !== kind) break;
      i += widthAt(text, i);
    }
  }
  return i;
}

function lineBreaksEnd(text: string, start: number): number {
  let i = start;
  while (i < text.length && isLineBreak(text.charCodeAt(i))) i++;
  return i;
}

function isLineBreak(unit: number): boolean {
  return unit === LINE_FEED || unit === CARRIAGE_RETURN;
}

function classAt(text: string, i: number): number {
  return classOf(text.codePointAt(i)!);
}

/** The code units of the character at i. */
function widthAt(text: string, i: number): number {
  return text.codePointAt(i)! > 0xffff ? 2 : 1;
}
