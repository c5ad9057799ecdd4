import { render } from "preact";
import { App } from "./app.tsx";
import { stayForDrops } from "./parts/drops.ts";
import { restoreRuns } from "./state/runs.ts";

render(<App />, document.getElementById("app")!);
void restoreRuns();
stayForDrops();

if ("serviceWorker" in navigator) {
  // Without one the page works as well, only not offline.
  navigator.serviceWorker.register("./service-worker.js").catch(() => {});
}
