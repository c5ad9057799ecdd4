/** The encoders, with GPT-2's vocabulary each. */
import type { BPEDescription } from "../../src/formats/bpe-description.ts";
import { writeTokenizerJSON } from "../../src/formats/tokenizer-json.ts";
import { ByteLevelBPETokenizer } from "../../src/text/byte-level-bpe.ts";

type Encode = (text: string) => ArrayLike<number>;

export interface Encoder {
  name: string;
  /** A new encoder, which remembers no text. */
  create: () => Encode;
}

export const OURS = "unrolled";

/** Ours first. `missing` are the names of those that aren't installed. */
export async function loadEncoders(
  gpt2: BPEDescription,
): Promise<{ encoders: Encoder[]; missing: string[] }> {
  const loaders: Record<string, () => Promise<() => Encode>> = {
    "gpt-tokenizer": loadGptTokenizer,
    tiktoken: loadTiktoken,
    "js-tiktoken": loadJsTiktoken,
    "@huggingface/tokenizers": () => loadHuggingFace(gpt2),
  };
  const encoders: Encoder[] = [
    {
      name: OURS,
      create: () => {
        const tokenizer = new ByteLevelBPETokenizer(gpt2);
        return (text) => tokenizer.encode(text);
      },
    },
  ];
  const missing: string[] = [];
  for (const [name, load] of Object.entries(loaders)) {
    try {
      encoders.push({ name, create: await load() });
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND")) throw error;
      missing.push(name);
    }
  }
  return { encoders, missing };
}

/** Not a literal's import: the type checker must not ask for packages that only this benchmark installs. */
function load<T>(specifier: string): Promise<T> {
  return import(specifier) as Promise<T>;
}

async function loadGptTokenizer(): Promise<() => Encode> {
  const { encode, clearMergeCache } = await load<{
    encode: (text: string) => number[];
    clearMergeCache: () => void;
  }>("gpt-tokenizer/esm/encoding/r50k_base");
  return () => {
    // There is one encoder a module.
    clearMergeCache();
    return encode;
  };
}

interface TiktokenRanks {
  bpe_ranks: string;
  special_tokens: Record<string, number>;
  pat_str: string;
}

async function loadTiktoken(): Promise<() => Encode> {
  const { Tiktoken } = await load<{
    Tiktoken: new (
      ranks: string,
      special: Record<string, number>,
      pattern: string,
    ) => { encode_ordinary: Encode; free: () => void };
  }>("tiktoken/lite");
  const { default: ranks } = await load<{ default: TiktokenRanks }>("tiktoken/encoders/gpt2");
  let current: InstanceType<typeof Tiktoken> | undefined;
  return () => {
    current?.free();
    const encoder = new Tiktoken(ranks.bpe_ranks, ranks.special_tokens, ranks.pat_str);
    current = encoder;
    return (text) => encoder.encode_ordinary(text);
  };
}

async function loadJsTiktoken(): Promise<() => Encode> {
  const { Tiktoken } = await load<{ Tiktoken: new (ranks: TiktokenRanks) => { encode: Encode } }>(
    "js-tiktoken/lite",
  );
  const { default: ranks } = await load<{ default: TiktokenRanks }>("js-tiktoken/ranks/gpt2");
  return () => {
    const encoder = new Tiktoken(ranks);
    return (text) => encoder.encode(text);
  };
}

async function loadHuggingFace(gpt2: BPEDescription): Promise<() => Encode> {
  const { Tokenizer } = await load<{
    Tokenizer: new (json: object, config: object) => { encode: (text: string) => { ids: number[] } };
  }>("@huggingface/tokenizers");
  const json = writeTokenizerJSON(gpt2);
  return () => {
    const tokenizer = new Tokenizer(json, {});
    return (text) => tokenizer.encode(text).ids;
  };
}
