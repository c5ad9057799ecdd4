import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CountedWords, trainMerges } from "../../../src/text/bpe/train.ts";

interface Word {
  symbols: number[];
  count: number;
}

function counted(words: readonly Word[]): CountedWords {
  const starts = [0];
  for (const { symbols } of words) starts.push(starts[starts.length - 1] + symbols.length);
  return {
    symbols: Int32Array.from(words.flatMap(({ symbols }) => symbols)),
    starts: Int32Array.from(starts),
    counts: Float64Array.from(words, ({ count }) => count),
  };
}

interface Limits {
  vocabSize: number;
  minFrequency?: number;
  maxLength?: number;
}

function train(
  alphabet: string,
  words: readonly Word[],
  limits: Limits,
): { tokens: string[]; merges: number[][] } {
  const { vocabSize, minFrequency = 1, maxLength = Infinity } = limits;
  const tokens = [...alphabet];
  const training = trainMerges(tokens, counted(words), { vocabSize, minFrequency, maxLength });
  for (;;) {
    const { done, value } = training.next();
    if (!done) continue;
    const merges: number[][] = [];
    for (let i = 0; i < value.length; i += 4) merges.push([...value.subarray(i, i + 4)]);
    return { tokens, merges };
  }
}

function words(alphabet: string, ...list: [string, number][]): Word[] {
  return list.map(([word, count]) => ({ symbols: [...word].map((c) => alphabet.indexOf(c)), count }));
}

/**
 * The definition: count all pairs anew for each merge. Overlapping pairs (aaa) count as often as they occur. Only
 * right as long as no token can be made in two ways, for what then counts is a matter of convention.
 */
function trainByDefinition(alphabet: string, words: readonly Word[], limits: Limits): string[] {
  const tokens = [...alphabet];
  let texts = words.map(({ symbols, count }) => ({ symbols: [...symbols], count }));
  while (tokens.length < limits.vocabSize) {
    const counts = new Map<string, number>();
    for (const { symbols, count } of texts) {
      for (let i = 0; i + 1 < symbols.length; i++) {
        const key = `${symbols[i]} ${symbols[i + 1]}`;
        counts.set(key, (counts.get(key) ?? 0) + count);
      }
    }
    let best: { left: number; right: number; count: number } | undefined;
    for (const [key, count] of counts) {
      const [left, right] = key.split(" ").map(Number);
      const precedes =
        !best ||
        count > best.count ||
        (count === best.count && (left < best.left || (left === best.left && right < best.right)));
      if (precedes) best = { left, right, count };
    }
    if (!best || best.count < (limits.minFrequency ?? 1)) break;
    const { left, right } = best;
    if (tokens.includes(tokens[left] + tokens[right])) throw new TwoWays();
    tokens.push(tokens[left] + tokens[right]);
    texts = texts.map(({ symbols, count }) => {
      const merged: number[] = [];
      for (let i = 0; i < symbols.length; i++) {
        const isPair = symbols[i] === left && symbols[i + 1] === right;
        merged.push(isPair ? tokens.length - 1 : symbols[i]);
        if (isPair) i++;
      }
      return { symbols: merged, count };
    });
  }
  return tokens;
}

class TwoWays extends Error {}

describe("trainMerges", () => {
  it("learns the example of the 2016 paper", () => {
    // Sennrich et al. 2016, Algorithm 1; "_" stands for the mark of a word's end.
    const alphabet = "_deilnorstw";
    const { tokens } = train(
      alphabet,
      words(alphabet, ["low_", 5], ["lower_", 2], ["newest_", 6], ["widest_", 3]),
      { vocabSize: alphabet.length + 4 },
    );
    // The paper merges es and t next, which come as often as t and the mark.
    expect(tokens.slice(alphabet.length)).toEqual(["es", "t_", "est_", "lo"]);
  });

  it("learns what counting anew for each merge would give", () => {
    const word = fc.record({
      symbols: fc.array(fc.nat(4), { minLength: 1, maxLength: 8 }),
      count: fc.integer({ min: 1, max: 9 }),
    });
    let compared = 0;
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 12 }),
        fc.integer({ min: 5, max: 25 }),
        fc.integer({ min: 1, max: 4 }),
        (words, vocabSize, minFrequency) => {
          let expected: string[];
          try {
            expected = trainByDefinition("abcde", words, { vocabSize, minFrequency });
          } catch (error) {
            if (error instanceof TwoWays) return;
            throw error;
          }
          compared++;
          expect(train("abcde", words, { vocabSize, minFrequency }).tokens).toEqual(expected);
        },
      ),
      { numRuns: 2000 },
    );
    expect(compared).toBeGreaterThan(500);
  });

  it("breaks ties by the lower left id, then the lower right id", () => {
    const alphabet = "abcd";
    const list = words(alphabet, ["dc", 3], ["ba", 3], ["bd", 3], ["ad", 2]);
    expect(train(alphabet, list, { vocabSize: 7 }).tokens.slice(4)).toEqual(["ba", "bd", "dc"]);
  });

  it("stops below the smallest frequency, and when no pair is left", () => {
    const list = words("abc", ["ab", 5], ["bc", 2]);
    expect(train("abc", list, { vocabSize: 99, minFrequency: 3 }).tokens).toEqual(["a", "b", "c", "ab"]);
    expect(train("abc", list, { vocabSize: 99, minFrequency: 2 }).tokens).toEqual([
      "a",
      "b",
      "c",
      "ab",
      "bc",
    ]);
    expect(train("abc", words("abc", ["a", 9]), { vocabSize: 99 }).merges).toEqual([]);
    expect(train("abc", [], { vocabSize: 99 }).merges).toEqual([]);
  });

  it("makes no token of maxLength symbols or more", () => {
    const list = words("ab", ["abababab", 10]);
    const longest = (maxLength: number): number =>
      Math.max(...train("ab", list, { vocabSize: 99, maxLength }).tokens.map((token) => token.length));
    expect(longest(Infinity)).toBe(8);
    expect(longest(5)).toBe(4);
    expect(longest(4)).toBe(2);
  });

  it("yields how many tokens there are", () => {
    const training = trainMerges([..."ab"], counted(words("ab", ["abab", 2])), {
      vocabSize: 4,
      minFrequency: 1,
      maxLength: Infinity,
    });
    expect([...training]).toEqual([3, 4]);
  });
});
