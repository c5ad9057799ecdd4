/** The part of asciichart that the text charts use; the package has no types of its own. */
declare module "asciichart" {
  interface Options {
    height: number;
    min: number;
    max: number;
    colors: string[];
    symbols: string[];
    format(value: number): string;
  }
  type Color = "blue" | "yellow" | "green" | "magenta" | "cyan" | "red";
  const asciichart: Readonly<Record<Color, string>> & { plot(series: number[][], options: Options): string };
  export default asciichart;
}
