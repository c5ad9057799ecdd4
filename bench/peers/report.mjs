/** The figures as a Markdown table: milliseconds, and how many times as long as Unrolled's each is. */

export function formatJson(report) {
  const round = (_, value) =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
  return JSON.stringify(report, round, 2);
}

export function formatMarkdown({ machine, runtime, date, load, peers, rows, skipped }) {
  const [ours] = peers;
  const header = ["ms, one thread (times Unrolled's)", ...peers];
  const lines = rows.map(({ key, title, times, ratios }) => [
    `**${key}** ${title}`,
    ...peers.map((name) => cell(times[name], name === ours ? undefined : ratios[name])),
  ]);
  const align = header.map((_, column) => (column === 0 ? "---" : "---:"));
  const table = [header, align, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const left = skipped.map((reason) => `Left out: ${reason}.`);
  const where = `${machine}; ${runtime}; ${date}; load ${load.toFixed(1)} at the start`;
  return [table, ...(left.length > 0 ? [left.join("\n")] : []), where].join("\n\n");
}

function cell(milliseconds, ratio) {
  if (milliseconds === undefined) return "–";
  const time = milliseconds < 1000 ? milliseconds.toPrecision(3) : milliseconds.toFixed(0);
  return ratio === undefined ? time : `${time} (${ratio.toPrecision(2)}×)`;
}
