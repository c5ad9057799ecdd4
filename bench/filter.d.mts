export function matches(filter: string, name: string): boolean;
export function unknownPart(filter: string, names: readonly string[]): string | undefined;
