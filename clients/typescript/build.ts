import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import ts from 'typescript';
import { build } from 'vite';

/**
 * Makes `dist/` of the sources, which reach into those of the server:
 * - `index.cjs` is all of the code, for `require` and, through `index.js`, for `import`: a process that does both has one
 *   client, so `instanceof` and types hold across them;
 * - `index.d.cts` and `types/` are the declarations that a user can see, `index.d.ts` hands them on.
 */

const HERE = import.meta.dirname;
const ENTRY = join(HERE, 'src/index.ts');
const DIST = join(HERE, 'dist');

rmSync(DIST, { recursive: true, force: true });
const names = await bundle();
write('index.js', `export { ${names.join(', ')} } from './index.cjs';\n`);
for (const [path, text] of flattened(declarations())) write(path, text);
write('index.d.ts', "export * from './index.cjs';\n");

/** Writes the code, without its dependencies; gives the names that it exports. */
async function bundle(): Promise<readonly string[]> {
  const result = await build({
    root: HERE,
    configFile: false,
    logLevel: 'warn',
    ssr: { noExternal: /^(?!msgpackr|node:)/ },
    build: {
      ssr: ENTRY,
      target: 'node20',
      outDir: DIST,
      emptyOutDir: false,
      minify: false,
      rolldownOptions: { output: { format: 'cjs', entryFileNames: 'index.cjs', codeSplitting: false } },
    },
  });
  const [chunk] = 'output' in result ? result.output : [];
  if (chunk?.type !== 'chunk') throw new Error('the bundler made no code');
  return [...chunk.exports].sort();
}

/** The declarations of every source, by its path. */
function declarations(): ReadonlyMap<string, string> {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(HERE, 'tsconfig.json'),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
      },
    },
  );
  if (config === undefined) throw new Error('there is no tsconfig.json');
  const program = ts.createProgram([ENTRY], { ...config.options, emitDeclarationOnly: true });
  const texts = new Map<string, string>();
  const { diagnostics } = program.emit(undefined, (_path, text, _mark, _onError, [source] = []) => {
    if (source !== undefined) texts.set(normalize(source.fileName), text);
  });
  const faults = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  if (faults.length > 0) throw new Error(ts.formatDiagnostics(faults, ts.createCompilerHost(config.options)));
  return texts;
}

/** Those that the entry leads to, in one folder beside it. */
function flattened(texts: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const done = new Map<string, string>();
  const placeOf = (source: string): string =>
    source === ENTRY ? 'index.d.cts' : `types/${basename(source).replace(/\.ts$/, '.d.cts')}`;
  const sources = new Set([ENTRY]);
  for (const source of sources) {
    const text = texts.get(source);
    if (text === undefined) throw new Error(`${source} has no declarations`);
    const place = placeOf(source);
    if (done.has(place)) throw new Error(`two sources would be ${place}`);
    const folder = source === ENTRY ? './types/' : './';
    const linked = text.replace(
      /(\bfrom |\bimport\()'(\.{1,2}\/[^']+)'/g,
      (_all, before: string, specifier: string) => {
        const target = normalize(join(dirname(source), specifier.replace(/\.js$/, '.ts')));
        sources.add(target);
        return `${before}'${folder}${basename(target).replace(/\.ts$/, '.cjs')}'`;
      },
    );
    done.set(place, linked);
  }
  return done;
}

function write(path: string, text: string): void {
  const file = join(DIST, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
