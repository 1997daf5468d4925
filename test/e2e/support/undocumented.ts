import { dirname } from 'node:path';
import ts from 'typescript';

/** What a package's declarations export without a word about it: types, values, and the members of both. */
export function undocumented(entry: string): string[] {
  const program = ts.createProgram([entry], {
    module: ts.ModuleKind.Node16,
    target: ts.ScriptTarget.ES2022,
    types: [],
  });
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(entry);
  const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${entry} exports nothing`);
  const found: string[] = [];

  const isOfPackage = (symbol: ts.Symbol): boolean =>
    symbol.declarations?.every((node) => node.getSourceFile().fileName.startsWith(dirname(entry))) ?? false;
  const isInternal = (symbol: ts.Symbol): boolean =>
    symbol.declarations?.some(
      (node) =>
        (ts.isPropertyDeclaration(node) && ts.isPrivateIdentifier(node.name)) ||
        (ts.isClassElement(node) && (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Protected) !== 0),
    ) ?? false;
  const note = (symbol: ts.Symbol, place: string): void => {
    if (symbol.getDocumentationComment(checker).length === 0) found.push(place);
  };

  for (const exported of checker.getExportsOfModule(module)) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    note(symbol, exported.name);
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    const parts = type.isUnion() ? type.types : [type];
    for (const member of parts.flatMap((part) =>
      part.flags & ts.TypeFlags.Object || part.isIntersection() ? part.getProperties() : [],
    )) {
      if (isOfPackage(member) && !isInternal(member)) note(member, `${exported.name}.${member.name}`);
    }
  }
  return [...new Set(found)];
}
