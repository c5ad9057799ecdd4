/** Hugging Face's trainer, which is Rust, through Python's `tokenizers` if there is one, on one thread. */
import { spawnSync } from "node:child_process";

/** Times the training inside Python, and prints the times and a digest of the merges. */
const SCRIPT = `
import hashlib, json, sys, time
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
path, vocab_size, runs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
texts = json.load(open(path, encoding="utf-8"))
times = []
for _ in range(runs):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, min_frequency=2, initial_alphabet=alphabet, show_progress=False
    )
    start = time.perf_counter()
    tokenizer.train_from_iterator(texts, trainer)
    times.append(1000 * (time.perf_counter() - start))
merges = json.loads(tokenizer.to_str())["model"]["merges"]
digest = hashlib.sha256("\\n".join(" ".join(merge) for merge in merges).encode()).hexdigest()
print(json.dumps({"times": times, "digest": digest}))
`;

export interface HuggingFaceTraining {
  times: number[];
  /** SHA-256 of lines of `left right`. */
  digest: string;
}

/** `path` is a JSON file of strings. Undefined if there is no python3 with tokenizers. */
export function trainWithHuggingFace(
  path: string,
  vocabSize: number,
  runs: number,
): HuggingFaceTraining | undefined {
  const { status, stdout } = spawnSync("python3", ["-c", SCRIPT, path, String(vocabSize), String(runs)], {
    encoding: "utf8",
    env: { ...process.env, RAYON_NUM_THREADS: "1", TOKENIZERS_PARALLELISM: "false" },
  });
  return status === 0 ? (JSON.parse(stdout) as HuggingFaceTraining) : undefined;
}
