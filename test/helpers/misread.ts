/**
 * Whether this runtime's regular expressions misread a text. Those of WebKit take two units for one character where the
 * first has all of a lead surrogate's bits but one, or the second all of a trail's: what cuts a text with them, as
 * js-tiktoken does, is no measure there.
 */
const joins = /[^a]/u.exec("\ud800\ufeff")![0].length === 2;

export function isMisread(text: string): boolean {
  return joins && /[\ud800-\udbff\uf800-\ufbff][\ufc00-\uffff]|[\uf800-\ufbff][\udc00-\udfff]/.test(text);
}
