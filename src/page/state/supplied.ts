/** The texts that come with the page: a novel, and two that are made here, the same for everyone. */

export interface SuppliedText {
  id: string;
  title: string;
  note: string;
  load(): Promise<string>;
}

/** Numbers that look random and are the same for everyone: a text is part of an experiment that a link shares. */
function* noise(): Generator<number> {
  for (let i = 1; ; i++) {
    let x = Math.imul(i, 0x9e3779b1);
    x = Math.imul(x ^ (x >>> 15), 0x85ebca6b);
    yield (x ^ (x >>> 13)) >>> 0;
  }
}

function sums(): string {
  const random = noise();
  const draw = (below: number): number => random.next().value! % below;
  const lines = Array.from({ length: 30_000 }, () => {
    const [a, b] = [draw(100), draw(100)];
    return `${a}+${b}=${a + b}`;
  });
  return `${lines.join("\n")}\n`;
}

function brackets(): string {
  const random = noise();
  const pairs = ["()", "[]", "{}"];
  const lines = Array.from({ length: 12_000 }, () => {
    const open: string[] = [];
    let line = "";
    const wanted = 4 + (random.next().value! % 24);
    while (line.length + open.length < wanted || open.length > 0) {
      const full = line.length + open.length >= wanted || open.length > 8;
      if (open.length > 0 && (full || random.next().value! % 5 < 2)) {
        line += open.pop();
      } else {
        const pair = pairs[random.next().value! % 3];
        line += pair[0];
        open.push(pair[1]);
      }
    }
    return line;
  });
  return `${lines.join("\n")}\n`;
}

/** The id of the reader's own text. */
export const OWN = "own";

export const SUPPLIED: readonly SuppliedText[] = [
  {
    id: "moby-dick",
    title: "Moby-Dick",
    note: "Herman Melville's novel of 1851: 1.2 million characters.",
    async load() {
      const response = await fetch("./texts/moby-dick.txt");
      if (!response.ok) throw new Error(`The text could not be loaded: status ${response.status}`);
      return response.text();
    },
  },
  {
    id: "sums",
    title: "Sums",
    note: "47+8=55: can it learn to carry?",
    load: async () => sums(),
  },
  {
    id: "brackets",
    title: "Brackets",
    note: "([]{}): each must be closed by its own kind, so the net has to remember.",
    load: async () => brackets(),
  },
];
