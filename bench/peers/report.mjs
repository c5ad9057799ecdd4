/** The figures as a Markdown table, and how many times as long as Unrolled each library takes. */

export function formatJson(report) {
  const round = (_, value) =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
  return JSON.stringify(report, round, 2);
}

export function formatMarkdown({ machine, runtime, date, load, threads, peers, rows, notes, skipped }) {
  const [ours] = peers;
  const shown = peers.filter((name) => rows.some(({ times }) => times[name] !== undefined));
  const count = threads === 1 ? "one thread" : `${threads} threads`;
  const header = ["", `${count} (time over Unrolled's)`, "unit", ...shown];
  const lines = rows.map((row) => [
    row.key.split("/")[0],
    row.title,
    unit(row),
    ...shown.map((name) => cell(row, name, ours)),
  ]);
  const align = header.map((_, column) => (column < 2 ? "---" : "---:"));
  const table = [header, align, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const left = [...notes.map((note) => `${note}.`), ...skipped.map((reason) => `Left out: ${reason}.`)];
  const where = `${machine}; ${runtime}; ${date}; load ${load.toFixed(1)} at the start`;
  return [table, ...(left.length > 0 ? [left.join("\n")] : []), where].join("\n\n");
}

function unit({ flops, elements }) {
  if (flops) return "GFLOP/s";
  return elements ? "ns/element" : "ms";
}

function cell({ times, ratios, flops, elements }, name, ours) {
  const milliseconds = times[name];
  if (milliseconds === undefined) return "–";
  const perElement = elements ? (milliseconds * 1e6) / elements : milliseconds;
  const value = flops ? flops / (milliseconds * 1e6) : perElement;
  const figure = value < 1000 ? value.toPrecision(3) : value.toFixed(0);
  const ratio = ratios[name];
  return name === ours ? figure : `${figure} (${ratio < 10 ? ratio.toPrecision(2) : ratio.toFixed(0)}×)`;
}
