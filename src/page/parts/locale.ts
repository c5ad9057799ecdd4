/*
 * Where the system's locale is "C", WebKitGTK says that the language is "C", which its own Intl refuses; uPlot asks for
 * a number format in that language as soon as it is loaded. So this comes before it.
 */
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en" });
}
