/** What the tests read files with, in a page: a synchronous request to the server of the tests. */
export function readFileSync(url: URL): Uint8Array;
export function readFileSync(url: URL, encoding: "utf8"): string;
export function readFileSync(url: URL, encoding?: "utf8"): Uint8Array | string {
  const request = new XMLHttpRequest();
  request.open("GET", url, false);
  // One byte a character: synchronous requests in a page have no other way to give bytes.
  request.overrideMimeType("text/plain; charset=x-user-defined");
  request.send();
  if (request.status !== 200) throw new Error(`${url}: HTTP status ${request.status}`);
  const bytes = Uint8Array.from(request.responseText, (character) => character.charCodeAt(0) & 255);
  return encoding ? new TextDecoder().decode(bytes) : bytes;
}
