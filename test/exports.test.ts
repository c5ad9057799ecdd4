/** Whoever calls the library can name what its functions take and give: their types are exported too. */

import ts from "typescript";
import { expect, test } from "vitest";

/** Insides that public classes show to the library's own code: nobody else makes or takes one. */
const INSIDES = new Set(["Tape", "Link", "Text"]);
const isInside = (symbol: ts.Symbol, file: string): boolean =>
  INSIDES.has(symbol.name) || file.includes("/src/engine/");

const entries = ["src/index.ts", "src/generate/index.ts", "src/plot/index.ts"];
const { options } = ts.getParsedCommandLineOfConfigFile(
  "tsconfig.json",
  {},
  {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: () => {},
  },
)!;
const program = ts.createProgram(entries, options);
const checker = program.getTypeChecker();

const resolve = (symbol: ts.Symbol): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

/** The nodes with a declaration's public types: no bodies, nothing private or protected. */
function signaturesOf(declaration: ts.Declaration, isValue: boolean): ts.Node[] {
  if (ts.isFunctionDeclaration(declaration)) return signatureOf(declaration);
  if (!ts.isClassDeclaration(declaration)) return [declaration];
  return declaration.members.flatMap((member) => {
    const isHidden =
      ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected) ||
      (member.name && ts.isPrivateIdentifier(member.name)) ||
      ts.getJSDocTags(member).some(({ tagName }) => tagName.text === "internal") ||
      (ts.isConstructorDeclaration(member) && !isValue);
    if (isHidden) return [];
    return ts.isFunctionLike(member)
      ? signatureOf(member)
      : ts.isPropertyDeclaration(member) && member.type
        ? [member.type]
        : [];
  });
}

function signatureOf({ parameters, type, typeParameters = [] as never }: ts.SignatureDeclaration): ts.Node[] {
  return [
    ...typeParameters,
    ...parameters.flatMap((parameter) => parameter.type ?? []),
    ...(type ? [type] : []),
  ];
}

function namedIn(node: ts.Node): ts.Symbol[] {
  const symbol = ts.isTypeReferenceNode(node) && checker.getSymbolAtLocation(node.typeName);
  const own = symbol ? [resolve(symbol)] : [];
  const inside: ts.Symbol[] = [];
  ts.forEachChild(node, (child) => void inside.push(...namedIn(child)));
  return [...own, ...inside];
}

test.each(entries)("%s exports every type that its signatures name", (entry) => {
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
  const exports = checker.getExportsOfModule(module);
  const exported = new Set(exports.map(resolve));
  const missing = new Set<string>();
  for (const symbol of exports) {
    const isValue = !symbol.declarations?.some(
      (declaration) => ts.isExportSpecifier(declaration) && ts.isTypeOnlyExportDeclaration(declaration),
    );
    for (const declaration of resolve(symbol).declarations ?? []) {
      for (const named of signaturesOf(declaration, isValue).flatMap(namedIn)) {
        const file = named.declarations?.[0].getSourceFile().fileName ?? "";
        const isOurs = file.includes("/src/") && !(named.flags & ts.SymbolFlags.TypeParameter);
        if (isOurs && !exported.has(named) && !isInside(named, file)) {
          missing.add(`${named.name} (of ${symbol.name})`);
        }
      }
    }
  }
  expect([...missing]).toEqual([]);
});
