/** Which of the benchmarks a `--filter` chooses: parts between commas, upper and lower case alike. */

/** Whether a part is in the name; the empty filter chooses everything. */
export function matches(filter, name) {
  const parts = partsOf(filter);
  return parts.length === 0 || parts.some((part) => contains(name, part));
}

/** The first part that is in none of the names. */
export function unknownPart(filter, names) {
  return partsOf(filter).find((part) => !names.some((name) => contains(name, part)));
}

function partsOf(filter) {
  return filter
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function contains(name, part) {
  return name.toLowerCase().includes(part.toLowerCase());
}
