export { type AxisOptions, type LineChartOptions, lineChartSVG, type Series } from "./line-chart.ts";
export { MOST_SERIES, type TextChartOptions, type TextSeries, textChart } from "./text-chart.ts";
