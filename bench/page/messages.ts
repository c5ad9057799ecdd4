import type { Row } from "../report.ts";

/** From the page to its worker: what to run. */
export interface Start {
  filter: string;
}

/** From the worker to the page. A row comes when it is measured; all come again, for good, at the end. */
export type Message =
  | { kind: "row"; row: Row }
  | { kind: "done"; rows: Row[] }
  | { kind: "failed"; why: string };
