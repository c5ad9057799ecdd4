/** What the page uses of the library beyond its public names. */
export type { BPEDescription } from "../formats/bpe-description.ts";
export { MERGE_FIELDS } from "../formats/bpe-description.ts";
export { KINDS } from "../models/config.ts";
export { GATES } from "../tensor/recurrent.ts";
export type { BPEProgress } from "../text/bpe/training.ts";
export { ByteLevelBPETokenizer } from "../text/byte-level-bpe.ts";
export { hexOf } from "../text/hex.ts";
