import type { ComponentChildren, ComponentType } from "preact";
import { Component } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { Notice } from "./parts/controls.tsx";
import {
  BenchIcon,
  InsideIcon,
  Mark,
  MoonIcon,
  SunIcon,
  TimeIcon,
  TokensIcon,
  TrainIcon,
} from "./parts/icons.tsx";
import { writeSettings } from "./state/experiment.ts";
import { linkTo, route, VIEWS, type View } from "./state/route.ts";
import { settings } from "./state/settings.ts";
import { hasSIMD } from "./state/support.ts";
import { isKept } from "./state/texts.ts";
import { theme, toggleTheme } from "./state/theme.ts";
import { BenchView } from "./views/bench.tsx";
import { InsideView } from "./views/inside.tsx";
import { TimeView } from "./views/time.tsx";
import { TokensView } from "./views/tokens.tsx";
import { TrainView } from "./views/train.tsx";

const NAMES: Record<View, { title: string; short: string; Icon: ComponentType; View: ComponentType }> = {
  tokens: { title: "Tokens", short: "Tokens", Icon: TokensIcon, View: TokensView },
  train: { title: "Train", short: "Train", Icon: TrainIcon, View: TrainView },
  inside: { title: "Inside", short: "Inside", Icon: InsideIcon, View: InsideView },
  time: { title: "Through time", short: "Time", Icon: TimeIcon, View: TimeView },
  bench: { title: "Bench", short: "Bench", Icon: BenchIcon, View: BenchView },
};

export function App() {
  const { view } = route.value;
  // Before the view scrolls to what it shows first.
  useLayoutEffect(() => {
    scrollTo(0, 0);
  }, [view]);
  const { View } = NAMES[view];
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to the view
      </button>
      <header class="top">
        <a class="brand" href={linkTo("train")} aria-label="Unrolled, start">
          <Mark />
          <span>Unrolled</span>
        </a>
        <nav aria-label="Views" class="tabs">
          {VIEWS.map((name) => {
            const { title, short, Icon } = NAMES[name];
            const params = name === "train" ? writeSettings(settings.value) : undefined;
            return (
              <a
                key={name}
                class="tab"
                href={linkTo(name, params)}
                aria-current={name === view ? "page" : undefined}
              >
                <Icon />
                <span class="tab-long">{title}</span>
                <span class="tab-short" aria-hidden="true">
                  {short}
                </span>
              </a>
            );
          })}
        </nav>
        <button
          type="button"
          class="icon-button"
          aria-label={theme.value === "dark" ? "Light colours" : "Dark colours"}
          onClick={toggleTheme}
        >
          {theme.value === "dark" ? <SunIcon /> : <MoonIcon />}
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        {view !== "tokens" && !hasSIMD ? (
          <Unsupported />
        ) : (
          <>
            {view === "train" && !isKept.value && <NothingKept />}
            <Boundary key={view}>
              <View />
            </Boundary>
          </>
        )}
      </main>
    </>
  );
}

function Unsupported() {
  return (
    <div class="view">
      <Notice kind="error">
        <h1>This browser has no WebAssembly SIMD</h1>
        <p>
          All of Unrolled's arithmetic runs in it, so nothing can be trained or measured here. Chrome and Edge
          have it from version 91, Firefox from 89, Safari from 16.4; old processors (before SSE4.1) and some
          hardened modes do without.
        </p>
        <p>
          <a href={linkTo("tokens")}>The tokenizers</a> need none of it: they work here as everywhere.
        </p>
      </Notice>
    </div>
  );
}

function NothingKept() {
  return (
    <div class="nothing-kept">
      <Notice>
        This browser keeps nothing for this page: its site data are blocked, or this window is a private one.
        Runs and a text of your own end with the page: download a model to have it later.
      </Notice>
    </div>
  );
}

/** An error of a view is said, and the other views go on. */
class Boundary extends Component<{ children: ComponentChildren }, { error?: string }> {
  override state: { error?: string } = {};

  override componentDidCatch(error: unknown): void {
    this.setState({ error: error instanceof Error ? error.message : String(error) });
  }

  render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <div class="view">
        <Notice kind="error">
          <p>This view failed: {error}</p>
          <button type="button" class="button" onClick={() => this.setState({ error: undefined })}>
            Show it again
          </button>
        </Notice>
      </div>
    );
  }
}
