/** Unrolled: recurrent language models that train and run anywhere JavaScript runs. */
export {
  type Activations,
  activations,
  type GateTerms,
  gateTerms,
  type LayerActivations,
} from "./diagnose/activations.ts";
export {
  type Diagnosis,
  diagnose,
  diagnoseLoss,
  type GateStatistics,
  type LayerDiagnosis,
  type MemoryStatistics,
} from "./diagnose/diagnose.ts";
export { spectralRadius } from "./diagnose/spectral-radius.ts";
export { createEngine, Engine, type EngineOptions } from "./engine/engine.ts";
export type { Build } from "./engine/load.ts";
export type { RandomState, RandomStream } from "./engine/random.ts";
export * from "./errors.ts";
export type { AddedToken, BPEDescription, NormalizationForm } from "./formats/bpe-description.ts";
export { type GPT2VocabularyOptions, readGPT2Vocabulary } from "./formats/gpt2-vocabulary.ts";
export {
  readSafetensors,
  type SafeTensor,
  type SafetensorsFile,
  toFloat32,
  writeSafetensors,
} from "./formats/safetensors.ts";
export { readTiktoken, type TiktokenOptions } from "./formats/tiktoken.ts";
export { type Generative, generate } from "./generate/generate.ts";
export type { SampleOptions } from "./generate/sample.ts";
export type { GeneratedToken, GenerateOptions } from "./generate/text.ts";
export type { CompleteConfig } from "./models/config.ts";
export { type FetchOptions, fetchModelFile } from "./models/fetch-model-file.ts";
export { LanguageModel, type LanguageModelConfig } from "./models/language-model.ts";
export { loadLanguageModel, saveLanguageModel } from "./models/model-file.ts";
export { fromPyTorch, type PartNames, toPyTorch } from "./models/pytorch.ts";
export type { Extras } from "./models/read-model-file.ts";
export * from "./nn/index.ts";
export { normal, orthogonal, uniform } from "./nn/init.ts";
export { loadStateDict, stateDict } from "./nn/state-dict.ts";
export { AddingProblem } from "./tasks/adding.ts";
export { CopyMemory, type CopyMemoryOptions } from "./tasks/copy-memory.ts";
export type { SequenceBatch, Task, TaskOptions } from "./tasks/task.ts";
export { TemporalOrder } from "./tasks/temporal-order.ts";
export type { Lookup } from "./tensor/embedding.ts";
export * from "./tensor/ops.ts";
export type { Packing } from "./tensor/packing.ts";
export type { RecurrentKind, RecurrentTrace, RecurrentWeights } from "./tensor/recurrent.ts";
export { type DType, Parameter, Tensor } from "./tensor/tensor.ts";
export type { BPETokenizer } from "./text/bpe/tokenizer.ts";
export type { BPEProgress, BPETrainingOptions } from "./text/bpe/training.ts";
export { type ByteLevelBPEOptions, ByteLevelBPETokenizer } from "./text/byte-level-bpe.ts";
export { CharacterBPETokenizer } from "./text/character-bpe.ts";
export { type CharacterOptions, CharacterTokenizer } from "./text/character-tokenizer.ts";
export {
  type BatchOptions,
  Corpus,
  type CorpusOptions,
  evaluationBatches,
  type LanguageBatch,
  splitText,
} from "./text/corpus.ts";
export { bpeTokenizer, tokenizerFromJSON } from "./text/read-tokenizer.ts";
export type { TextSource } from "./text/text-source.ts";
export type { DecodeOptions, EncodeOptions, StreamingDecoder, Tokenizer } from "./text/tokenizer.ts";
export {
  TOKENIZER_KINDS,
  type TokenizerKind,
  type TrainTokenizerOptions,
  trainTokenizer,
} from "./text/train-tokenizer.ts";
export { type WordOptions, WordTokenizer } from "./text/word-tokenizer.ts";
export { clipByValue, clipScale, gradientNorm } from "./train/clip.ts";
export { type Evaluation, evaluate } from "./train/evaluate.ts";
export type { Batch, DataSource, Trainable } from "./train/interfaces.ts";
export { Adam, type AdamOptions, AdamW, type Optimizer, RMSProp, SGD } from "./train/optimizers.ts";
export type { PlateauState, ScheduleOptions } from "./train/schedule.ts";
export {
  type StepReport,
  Trainer,
  type TrainNumbers,
  type TrainOptions,
  type TrainReport,
  type TrainState,
  train,
  type ValidationReport,
} from "./train/train.ts";
export type {
  History,
  ModelSource,
  SampleReport,
  SampleSettings,
  StoredRun,
  TrainerInfo,
  TrainerOptions,
  TrainerReport,
  TrainerState,
} from "./trainer/options.ts";
export type { Adjustments, Inspection, InspectOptions, TrainerSource } from "./trainer/protocol.ts";
export { deleteStoredRun, listStoredRuns, readStoredText, type StoredRunInfo } from "./trainer/storage.ts";
export {
  type CreateTrainerOptions,
  createTrainer,
  type TrainerWorker,
  WorkerTrainer,
} from "./trainer/trainer.ts";
