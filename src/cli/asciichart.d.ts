/** The part of asciichart that the display uses; the package has no types of its own. */
declare module "asciichart" {
  const asciichart: {
    readonly blue: string;
    readonly yellow: string;
    plot(series: number[][], options: { height: number; min: number; max: number; colors: string[] }): string;
  };
  export default asciichart;
}
