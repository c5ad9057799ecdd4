import { cpus } from "node:os";
import type { Circumstances } from "./report.ts";

/** This machine, as Node knows it, and today's date. */
export function circumstances(runtime: string): Circumstances {
  const all = cpus();
  return {
    machine: `${all[0]?.model.trim() ?? "unknown processor"}, ${all.length} cores, ${process.platform} ${process.arch}`,
    runtime,
    date: new Date().toISOString().slice(0, 10),
  };
}
