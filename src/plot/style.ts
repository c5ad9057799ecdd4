/**
 * The colours of series, on white and on near-black: Okabe & Ito's (2008), which keep apart under every kind of colour
 * blindness, darkened or lightened for a contrast of at least 3:1 with the paper.
 */
export const PALETTE: readonly { light: string; dark: string }[] = [
  { light: "#0072b2", dark: "#56b4e9" },
  { light: "#d55e00", dark: "#ff8a3d" },
  { light: "#008f68", dark: "#2fc79a" },
  { light: "#b0578a", dark: "#e39cc4" },
  { light: "#8a6d00", dark: "#f0d447" },
  { light: "#4b4fa8", dark: "#9ea2f5" },
];

const INK = {
  light: { paper: "#ffffff", text: "#1b1f24", quiet: "#57606a", grid: "#e4e7eb", axis: "#8c959f" },
  dark: { paper: "#15181d", text: "#eceff3", quiet: "#9aa4b0", grid: "#2a2f37", axis: "#6b7480" },
};

/** The chart's style sheet. Colours stand in rules and not in variables, which many SVG readers do not know. */
export function style(): string {
  return `${FIXED}${colours("light")}@media (prefers-color-scheme: dark) {\n${colours("dark")}}\n`;
}

const FIXED = `
.line-chart { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.line-chart .title { font-size: 18px; font-weight: 600; }
.line-chart .subtitle, .line-chart .name { font-size: 13px; }
.line-chart .label, .line-chart .tick { font-size: 12px; }
.line-chart .tick { font-variant-numeric: tabular-nums; }
.line-chart .line, .line-chart .grid, .line-chart .axis { fill: none; }
.line-chart .line { stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round; }
.line-chart .dashed { stroke-width: 1.5; stroke-dasharray: 2 5; }
.line-chart .dot { stroke-width: 1.5; }
`;

function colours(mode: "light" | "dark"): string {
  const { paper, text, quiet, grid, axis } = INK[mode];
  const series = PALETTE.map((colour, i) => [`color-${i}`, colour[mode]]);
  const rules = [
    ["paper", "fill", paper],
    ["title", "fill", text],
    ["name", "fill", text],
    ["subtitle", "fill", quiet],
    ["label", "fill", quiet],
    ["tick", "fill", quiet],
    ["grid", "stroke", grid],
    ["axis", "stroke", axis],
    ["dot", "stroke", paper],
    ...[...series, ["grey", quiet]].flatMap(([name, colour]) => [
      [`${name} .line`, "stroke", colour],
      [`${name} .dot`, "fill", colour],
    ]),
  ];
  return rules
    .map(([name, property, colour]) => `.line-chart .${name} { ${property}: ${colour}; }\n`)
    .join("");
}
