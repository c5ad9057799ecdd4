/** Light or dark: the system's choice, until the reader makes one. */
import { effect, signal } from "@preact/signals";

const KEY = "unrolled theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function read(): "light" | "dark" | undefined {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : undefined;
  } catch {
    // Site data may be blocked.
    return undefined;
  }
}

const chosen = signal(read());
const systemIsDark = signal(system.matches);
system.addEventListener("change", () => {
  systemIsDark.value = system.matches;
});

/** What is shown: charts, which are drawn and not styled, are drawn anew when it changes. */
export const theme = signal<"light" | "dark">("light");
effect(() => {
  theme.value = chosen.value ?? (systemIsDark.value ? "dark" : "light");
  document.documentElement.dataset.theme = theme.value;
});

export function toggleTheme(): void {
  chosen.value = theme.peek() === "dark" ? "light" : "dark";
  try {
    localStorage.setItem(KEY, chosen.value);
  } catch {
    // Then it lasts as long as the page.
  }
}

/** A colour of the style sheet, by the name of its custom property. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
