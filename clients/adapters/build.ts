import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import ts from 'typescript';

/**
 * Makes `dist/` of the adapter in whose folder it is run: ES modules and their declarations, all in one folder, what adapters
 * share among them. Nothing is bundled: what is there is what `src/index.ts` leads to.
 */

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
};
const DIST = resolve('dist');
const RELATIVE = /(\bfrom |\bimport )'(\.{1,2}\/[^']+)\.ts'/g;

rmSync(DIST, { recursive: true, force: true });
mkdirSync(DIST);
const sources = new Set([resolve('src/index.ts')]);
const places = new Map<string, string>();
for (const source of sources) {
  const text = readFileSync(source, 'utf8');
  const name = basename(source, '.ts');
  if (places.has(name)) throw new Error(`${places.get(name)} and ${source} would be one file`);
  places.set(name, source);
  for (const [, , target] of text.matchAll(RELATIVE)) sources.add(join(dirname(source), `${target}.ts`));
  const told = { fileName: source, reportDiagnostics: true };
  write(`${name}.js`, ts.transpileModule(text, { ...told, compilerOptions: OPTIONS }));
  const declaring = { ...OPTIONS, declaration: true, isolatedDeclarations: true, stripInternal: true };
  write(`${name}.d.ts`, ts.transpileDeclaration(text, { ...told, compilerOptions: declaring }));
}

function write(name: string, { outputText, diagnostics = [] }: ts.TranspileOutput): void {
  if (diagnostics.length > 0) throw new Error(ts.formatDiagnostics(diagnostics, ts.createCompilerHost(OPTIONS)));
  const flat = outputText.replace(
    RELATIVE,
    (_all, before: string, target: string) => `${before}'./${basename(target)}.js'`,
  );
  writeFileSync(join(DIST, name), flat);
}
