/** Where the reader is: the view, and its settings, in the address after `#`, so that a link shares both. */
import { effect, signal } from "@preact/signals";

export const VIEWS = ["tokens", "train", "inside", "time", "bench"] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  view: View;
  params: URLSearchParams;
}

function parse(hash: string): Route {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const view = VIEWS.find((name) => name === path) ?? "train";
  return { view, params: new URLSearchParams(query) };
}

export function linkTo(view: View, params?: URLSearchParams): string {
  const query = params?.toString();
  return `#/${view}${query ? `?${query}` : ""}`;
}

export const route = signal(parse(location.hash));

addEventListener("hashchange", () => {
  route.value = parse(location.hash);
});

/** Puts settings into the address of the view that is shown, without a step in the browser's history. */
export function replaceParams(params: URLSearchParams): void {
  const { view } = route.peek();
  history.replaceState(null, "", linkTo(view, params));
}

effect(() => {
  const titles: Record<View, string> = {
    tokens: "Tokens",
    train: "Train",
    inside: "Inside",
    time: "Through time",
    bench: "Bench",
  };
  document.title = `${titles[route.value.view]} · Unrolled`;
});
