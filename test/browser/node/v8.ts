/** A page cannot set V8's flags. */
export default { setFlagsFromString(): void {} };
