import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../src/base/metrics.ts';
import { CONFIG_SCHEMA } from '../../src/config/schema.ts';
import type { SettingSchema } from '../../src/config/setting.ts';
import { camelCase } from '../../src/config/tree.ts';

const ROOT = join(import.meta.dirname, '../..');
const SDK = 'clients/typescript/src';

interface Source {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  /** Files of this project that it names: imports, and workers that it starts. */
  readonly targets: readonly string[];
}

const sources: readonly Source[] = [
  ...globSync('src/**/*.ts', { cwd: ROOT }),
  ...globSync(`${SDK}/**/*.ts`, { cwd: ROOT }),
]
  .sort()
  .map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    return { path, text, lines: text.split('\n'), targets: targetsOf(path, text) };
  });
const byPath = new Map(sources.map((source) => [source.path, source]));
const GENERATORS = ['src/config/reference.ts', 'src/store/embedded/columns/assemble-kernel.ts'];
const isEntry = (path: string): boolean => GENERATORS.includes(path) || /(-worker|\/worker)\.ts$/.test(path);
const isGenerated = (path: string): boolean => path.endsWith('.generated.ts') || path === 'src/base/error-table.ts';

function sourcesOf(pattern: string): readonly Source[] {
  return globSync(pattern, { cwd: ROOT })
    .sort()
    .map((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      return { path, text, lines: text.split('\n'), targets: targetsOf(path, text) };
    });
}

function targetsOf(path: string, text: string): string[] {
  const named = text.matchAll(/(?:from|import|import\(|\?|URL\() ?'(\.{1,2}\/[^']+\.ts)'/g);
  return [...named].map(([, target = '']) => normalize(join(dirname(path), target)));
}

/** Lines of code, without what stands in comments. */
function codeOf({ lines }: Source): string[] {
  return lines.map((line) => line.replace(/^\s*(\/\/|\/?\*).*$/, '').replace(/\s\/\/ .*$/, ''));
}

/** Every place where a rule is broken, as `file:line`. */
function breaches(rule: RegExp, exempt: (path: string) => boolean): string[] {
  return sources
    .filter(({ path }) => !exempt(path))
    .flatMap((source) =>
      codeOf(source).flatMap((line, place) => (rule.test(line) ? [`${source.path}:${place + 1}: ${line.trim()}`] : [])),
    );
}

const FLOORS: Readonly<Record<string, number>> = {
  process: 6,
  sdk: 5,
  fronts: 5,
  jobs: 5,
  api: 4,
  hirag: 3,
  store: 2,
  embedding: 2,
  models: 2,
  protocol: 1,
  config: 1,
  base: 0,
};

/** Groups of nodes that lead to one another (Tarjan's strongly connected components of more than one). */
function circles(nodes: readonly string[], next: (node: string) => readonly string[]): string[][] {
  const found: string[][] = [];
  const places = new Map<string, number>();
  const open: string[] = [];
  const visit = (node: string): number => {
    const place = places.size;
    places.set(node, place);
    open.push(node);
    let lowest = place;
    for (const target of next(node)) {
      if (!places.has(target)) lowest = Math.min(lowest, visit(target));
      else if (open.includes(target)) lowest = Math.min(lowest, places.get(target) ?? place);
    }
    if (lowest === place) {
      const group = open.splice(open.indexOf(node));
      if (group.length > 1) found.push(group.sort());
    }
    return lowest;
  };
  for (const node of nodes) if (!places.has(node)) visit(node);
  return found;
}

function roomOf(path: string): string {
  if (path.startsWith(SDK)) return 'sdk';
  const [, folder = ''] = path.split('/');
  return folder === 'cli' || folder.endsWith('.ts') ? 'process' : folder;
}

describe('imports', () => {
  it('point down only, and never to a room on the same floor', () => {
    const wrong = sources.flatMap(({ path, targets }) =>
      targets
        .filter(
          (target) => roomOf(target) !== roomOf(path) && (FLOORS[roomOf(target)] ?? 9) >= (FLOORS[roomOf(path)] ?? -1),
        )
        .map((target) => `${path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('of the SDK are the protocol and the base alone: it is published without the server', () => {
    const rooms = sources.filter(({ path }) => path.startsWith(SDK)).flatMap(({ targets }) => targets.map(roomOf));
    expect([...new Set(rooms)].filter((room) => !['sdk', 'protocol', 'base'].includes(room))).toEqual([]);
  });

  it('of a door lead through the api: past it neither to the tiers, nor to a store, nor to another door', () => {
    const doorOf = (path: string): string | undefined => /^src\/fronts\/([^/]+)\//.exec(path)?.[1];
    const wrong = sources
      .filter(({ path }) => doorOf(path) !== undefined)
      .flatMap(({ path, targets }) =>
        targets
          .filter(
            (target) =>
              !['api', 'protocol', 'config', 'base'].includes(roomOf(target)) && doorOf(target) !== doorOf(path),
          )
          .map((target) => `${path} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  it('of the api know no socket and no server: any door can call it', () => {
    const wrong = sources
      .filter(({ path }) => path.startsWith('src/api/'))
      .filter(({ text, targets }) => {
        const packages = [...text.matchAll(/from '([^.'][^']*)'/g)].map(([, name = '']) => name);
        return targets.some((target) => roomOf(target) === 'fronts') || packages.length > 0;
      });
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it('of drivers stand in their table alone', () => {
    const drivers = /^src\/(store\/(?!(?:generic|snapshot)\/)[^/]+\/|embedding\/(local|http|onnx))/;
    const wrong = sources
      .filter(({ path }) => path !== 'src/drivers.ts' && !drivers.test(path))
      .flatMap(({ path, targets }) =>
        targets.filter((target) => drivers.test(target)).map((target) => `${path} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  it('go round in no circle, those of types included', () => {
    expect(
      circles(
        sources.map(({ path }) => path),
        (path) => byPath.get(path)?.targets ?? [],
      ),
    ).toEqual([]);
  });

  it('between the folders of the embedded store go one way', () => {
    const edges = new Set(
      sources
        .filter(({ path }) => path.startsWith('src/store/'))
        .flatMap(({ path, targets }) => targets.map((target) => `${dirname(path)} -> ${dirname(target)}`)),
    );
    const both = [...edges].filter((edge) => {
      const [from = '', to = ''] = edge.split(' -> ');
      return from < to && edges.has(`${to} -> ${from}`);
    });
    expect(both).toEqual([]);
  });

  it('between the rooms of the tiers go one way', () => {
    const order = ['erasure', 'window', 'write', 'query', 'rank', 'tiers', 'facts'];
    const placeOf = (path: string): number => order.indexOf(/^src\/hirag\/([^/]+)\//.exec(path)?.[1] ?? '');
    const inRooms = sources.filter(({ path }) => /^src\/hirag\/.+\//.test(path));
    expect(inRooms.filter(({ path }) => placeOf(path) < 0).map(({ path }) => path)).toEqual([]);
    const wrong = inRooms.flatMap(({ path, targets }) =>
      targets
        .filter((target) => placeOf(target) >= 0 && placeOf(target) < placeOf(path))
        .map((target) => `${path}: ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('lead to files that exist', () => {
    const missing = sources.flatMap(({ path, targets }) =>
      targets.filter((target) => !byPath.has(target)).map((target) => `${path}: ${target}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('files', () => {
  it('are all reached from an entry: CLI, SDK, generators', () => {
    const reached = new Set<string>();
    const pending = ['src/cli.ts', `${SDK}/index.ts`, ...GENERATORS];
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      if (reached.has(path)) continue;
      reached.add(path);
      pending.push(...(byPath.get(path)?.targets ?? []));
    }
    expect(sources.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
  });

  it('have at most 350 lines', () => {
    expect(
      sources
        .filter(({ path, lines }) => !isGenerated(path) && lines.length > 350)
        .map(({ path, lines }) => `${path}: ${lines.length}`),
    ).toEqual([]);
  });

  it('are named in kebab case', () => {
    expect(
      sources.map(({ path }) => path).filter((path) => !/^([a-z0-9-]+\/)*[a-z0-9-]+(\.generated)?\.ts$/.test(path)),
    ).toEqual([]);
  });
});

describe('modules', () => {
  const isBase = (path: string): boolean => path.startsWith('src/base/');

  it('get clock and randomness handed in', () => {
    expect(
      breaches(
        /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bset(Timeout|Interval)\(/,
        (path) => isBase(path) || path === `${SDK}/connect.ts`,
      ),
    ).toEqual([]);
    expect(breaches(/\bMath\.random\(|\brandom(Bytes|UUID|FillSync|Int)\(|getRandomValues\(/, isBase)).toEqual([]);
  });

  it('end no thread from outside that calls a native binding: those of this kind abort the process', () => {
    // Nothing but JavaScript runs in these.
    const own = ['src/embedding/local-thread.ts', 'src/fronts/gateway/ingest/document-reader.ts'];
    expect(breaches(/\.terminate\(/, (path) => own.includes(path))).toEqual([]);
  });

  it('do not read the environment', () => {
    expect(breaches(/\bprocess\.env\b/, (path) => path === 'src/cli/terminal/io.ts')).toEqual([]);
  });

  it('do nothing when imported but declare', () => {
    const isDeclaration = (node: ts.Statement): boolean =>
      ts.isImportDeclaration(node) ||
      ts.isExportDeclaration(node) ||
      ts.isVariableStatement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node);
    const doing = sources.flatMap(({ path, text }) =>
      ts
        .createSourceFile(path, text, ts.ScriptTarget.Latest)
        .statements.filter((node) => !isDeclaration(node))
        .map(() => path),
    );
    // Entries of their own: what a worker thread runs, and a script.
    expect(doing.filter((path) => !isEntry(path))).toEqual([]);
    expect(
      breaches(
        /^(export )?const \w+(: [^=]+)? = .*(\b(readFile|open|stat|mkdir)Sync\(|new (Worker|DatabaseSync)\()/,
        () => false,
      ),
    ).toEqual([]);
  });

  it('hide what is private from the runtime, too', () => {
    expect(breaches(/^\s*(public |static |readonly )*private /, () => false)).toEqual([]);
  });

  it('leave no notes to self', () => {
    expect(sources.filter(({ text }) => /\b(TODO|FIXME|XXX|HACK)\b/.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe('the page of the dashboard', () => {
  const page: readonly Source[] = globSync('dashboard/src/**/*.{ts,tsx}', { cwd: ROOT })
    .sort()
    .map((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      return { path, text, lines: text.split('\n'), targets: [] };
    });
  const places = (rule: RegExp): string[] =>
    page.flatMap((source) =>
      codeOf(source).flatMap((line, place) => (rule.test(line) ? [`${source.path}:${place + 1}: ${line.trim()}`] : [])),
    );

  it('shows what is stored as text nodes alone, and runs no text', () => {
    expect(page.length).toBeGreaterThan(0);
    expect(places(/innerHTML|outerHTML|insertAdjacentHTML|srcdoc|document\.write|\beval\(|new Function\(/i)).toEqual(
      [],
    );
  });

  it('asks nobody but its server', () => {
    const styles = globSync('dashboard/**/*.{css,html}', { cwd: ROOT, exclude: ['dashboard/dist/**'] });
    const abroad = /(https?:)?\/\/[a-z0-9-]+\.[a-z]/i;
    expect(places(abroad)).toEqual([]);
    expect(styles.filter((path) => abroad.test(readFileSync(join(ROOT, path), 'utf8')))).toEqual([]);
  });

  it('knows of the server the types of its messages, and no code', () => {
    const code = /import (?!type\b)[^;]*from '(\.\.\/)+(src|clients|test)\//;
    expect(page.filter(({ text }) => code.test(text)).map(({ path }) => path)).toEqual([]);
  });

  it('is in files of at most 350 lines, named in kebab case', () => {
    expect(page.filter(({ lines }) => lines.length > 350).map(({ path }) => path)).toEqual([]);
    expect(
      page.map(({ path }) => path).filter((path) => !/^dashboard\/src\/([a-z-]+\/)*[a-z0-9-]+\.tsx?$/.test(path)),
    ).toEqual([]);
  });
});

describe('the adapters', () => {
  const adapters = sourcesOf('clients/adapters/{shared,*/src}/*.ts');

  it('use the public client, what they share, and what is theirs', () => {
    const wrong = adapters.flatMap(({ path, targets }) =>
      targets
        .filter((target) => dirname(target) !== dirname(path) && !target.startsWith('clients/adapters/shared/'))
        .map((target) => `${path} imports ${target}`),
    );
    expect({ some: adapters.length > 0, wrong }).toEqual({ some: true, wrong: [] });
  });

  it('are in files of at most 350 lines, and hide what is private', () => {
    expect(adapters.filter(({ lines }) => lines.length > 350).map(({ path }) => path)).toEqual([]);
    expect(adapters.filter(({ text }) => /^\s*(readonly )*private /m.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe('declarations', () => {
  const outside = (folder: string): string =>
    sources
      .filter(({ path }) => !path.startsWith(folder))
      .map(({ text }) => text)
      .join('\n');

  it('of metrics are all used', () => {
    const text = outside('src/base/metrics.ts');
    const unused = Object.keys({ ...COUNTERS, ...HISTOGRAMS, ...GAUGES }).filter((name) => !text.includes(`'${name}'`));
    expect(unused).toEqual([]);
  });

  it('of settings are all read', () => {
    const text = outside('src/config/schema');
    const isRead = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(text);
    const unread = settingPaths(CONFIG_SCHEMA).filter((path) => !isRead(path.split('.').at(-1) ?? ''));
    expect(unread).toEqual([]);
  });
});

/** By the names that the code knows them by. */
function settingPaths(schema: SettingSchema, prefix = ''): string[] {
  return Object.entries(schema.properties ?? schema.items?.properties ?? {}).flatMap(([name, child]) => {
    const path = `${prefix}${schema.verbatimNames ? name : camelCase(name)}`;
    const inner = settingPaths(child, `${path}.`);
    return inner.length > 0 ? inner : [path];
  });
}
