/**
 * A pause that lets timers, messages and signals run. A promise that is already resolved would not: the event loop
 * finishes all of those first.
 */
export function macrotask(): Promise<void> {
  if (typeof setImmediate === "function") return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

/** How long, in milliseconds, a loop may compute before it pauses. */
const SLICE = 25;

/** Returns a function to be awaited in a loop: it pauses if the last pause is longer ago than a slice. */
export function createPacer(): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    if (performance.now() - last < SLICE) return undefined;
    return macrotask().then(() => {
      last = performance.now();
    });
  };
}
