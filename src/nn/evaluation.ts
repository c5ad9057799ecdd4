/** A module, as far as its modes go. */
export interface Moded {
  namedModules(): Iterable<[string, { training: boolean }]>;
}

/** Runs `body` with the whole module in evaluation mode; each part is then in the mode that it was in. */
export function inEvaluation<T>(module: Moded, body: () => T): T {
  const modes = Array.from(module.namedModules(), ([, part]) => [part, part.training] as const);
  for (const [part] of modes) part.training = false;
  try {
    return body();
  } finally {
    for (const [part, training] of modes) part.training = training;
  }
}
