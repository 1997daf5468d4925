import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_NAME } from '../../clients/typescript/src/version.ts';
import { ADAPTER_PROGRAMS, foreignNames, installAdapter } from './support/adapter-packages.ts';
import { undocumented } from './support/undocumented.ts';
import { World, type ServerProcess } from './support/processes.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const source = join(root, 'clients/typescript');
const SECRET = '0123456789abcdef0123456789abcdef';
/** It compiles and bundles, which a machine under load takes minutes for. */
const PACKING_TIMEOUT_MS = 900_000;
const world = new World();
let folder: string;
let installed: string;
let packed: readonly string[];
let server: ServerProcess;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as Manifest;

const BODY = `
  const client = await connect({ host: '127.0.0.1', port: Number(process.argv[2]), keyId: 'default', secret: '${SECRET}', sender: 'packaged', namespace: process.argv[3] });
  const { id } = await client.store({ text: 'Mara prefers morning flights \\u{1f600}', metadata: { seat: 12 } });
  const { contexts } = await client.query({ query: 'which flights does Mara prefer?', max_tokens: 200 });
  const refused = await client.get({ id: '00000000-0000-7000-8000-000000000000' }).catch((error) => error);
  await client[Symbol.asyncDispose]();
  console.log(JSON.stringify({ same: contexts[0].id === id, text: contexts[0].text, code: refused.code, own: refused instanceof ContextManagerError, other: refused instanceof other.ContextManagerError }));
`;
/** Each also loads the package in the other way. */
const PROGRAMS = {
  'program.mjs': `
import { createRequire } from 'node:module';
import { connect, ContextManagerError } from '${manifest.name}';
const other = createRequire(import.meta.url)('${manifest.name}');
${BODY}`,
  'program.cjs': `
const { connect, ContextManagerError } = require('${manifest.name}');
(async () => {
  const other = await import('${manifest.name}');
${BODY}})();`,
};

const TYPED_PROGRAM = `
import { connect, ContextManagerError, type Client, type Context, type NamespaceListReply, type StoreRequest } from '${manifest.name}';
export async function remember(client: Client, request: StoreRequest): Promise<string> {
  const { id } = await client.store(request, { timeoutMs: 1_000, signal: new AbortController().signal });
  for await (const context of client.list({ filter: { must: [{ key: 'tags', match: { value: 'a' } }] } })) use(context);
  const stats = await client.request('stats', { namespace: 'a' });
  const total: number = stats.counts.total;
  await client.query({ embedding: new Float32Array(4), priority: [1, 2, 3], session_id: undefined });
  // @ts-expect-error: there is no such level
  await client.clearLevel({ level: 'L1' });
  return id + total;
}
export async function listen(): Promise<boolean> {
  await using client = await connect('context-manager://h', { secret: new Uint8Array(32), tls: { ca: ['pem'] } });
  client.on('reconnect', ({ address, downMs }) => use(address.length + downMs)).once('error', (error) => use(error.code.length));
  // @ts-expect-error: there is no such event
  client.off('end', () => undefined);
  return client.isReady;
}
export const namesOf = ({ namespaces }: NamespaceListReply): string[] => namespaces.map(({ namespace }) => namespace);
function use(told: Context | number): string {
  return typeof told === 'number' ? String(told) : told.text;
}
export const failed = (error: unknown): boolean => error instanceof ContextManagerError && error.retryable;
export const open = (): Promise<Client> => connect({ host: 'h', port: 1, keyId: 'k', secret: new Uint8Array(32) });
`;

/** Hands what a CommonJS module was given to an ES module, which is typed by the other declarations. */
const TYPED_PAIR = {
  'pair.cts': `
import { ContextManagerError, type Client } from '${manifest.name}';
export const close = (client: Client): Promise<void> => client.close();
export const failure = new ContextManagerError('CLOSED', 'closed');`,
  'pair.mts': `
import { connect, type ContextManagerError } from '${manifest.name}';
import { close, failure } from './pair.cjs';
export const error: ContextManagerError = failure;
await close(await connect('context-manager://h'));`,
};

/** The package as npm packs it, installed in a folder of its own, without a network. */
beforeAll(async () => {
  folder = world.folder();
  installed = join(folder, 'node_modules', manifest.name);
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: source,
    shell: process.platform === 'win32',
  });
  const [pack] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string; files: { path: string }[] }];
  packed = pack.files.map(({ path }) => path);
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', join(folder, pack.filename), '-C', installed, '--strip-components=1']);
  for (const dependency of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(folder, 'node_modules', dependency)), { recursive: true });
    cpSync(join(root, 'node_modules', dependency), join(folder, 'node_modules', dependency), { recursive: true });
  }
  writeFileSync(join(folder, 'package.json'), '{}');
  for (const [name, text] of Object.entries({ ...PROGRAMS, ...TYPED_PAIR })) writeFileSync(join(folder, name), text);
  for (const name of ['typed.ts', 'typed.cts', 'typed.mts']) writeFileSync(join(folder, name), TYPED_PROGRAM);
  server = await world.serve(world.folder(), { PROTOCOL_SECRET: SECRET });
}, PACKING_TIMEOUT_MS);

afterAll(() => world.cleanUp());

/** This Node, and the one on the path where it is another. */
async function nodes(): Promise<string[]> {
  const { stdout } = await run('node', ['-p', 'process.execPath + " " + process.versions.node'], {
    env: { PATH: pathWithoutBin() },
  }).catch(() => ({ stdout: '' }));
  const [path = '', version = ''] = stdout.trim().split(' ');
  return Number.parseInt(version) >= 20 && path !== process.execPath ? [process.execPath, path] : [process.execPath];
}

function pathWithoutBin(): string {
  return (process.env['PATH'] ?? '')
    .split(':')
    .filter((part) => !part.includes('node_modules'))
    .join(':');
}

/** Declarations of the language and of browsers, which every compilation reads. */
const libraries = new Map<string, ts.SourceFile | undefined>();

/** What the compiler says of files in the folder, declarations of packages included. */
function faultsOf(files: readonly string[], options: ts.CompilerOptions): string[] {
  const all = {
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipDefaultLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
    types: [],
    ...options,
  };
  const host = ts.createCompilerHost(all);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, how, ...rest) => {
    if (!/\/typescript\/lib\/lib\.[^/]*d\.ts$/.test(name)) return read(name, how, ...rest);
    if (!libraries.has(name)) libraries.set(name, read(name, how, ...rest));
    return libraries.get(name);
  };
  const program = ts.createProgram(
    files.map((file) => join(folder, file)),
    all,
    host,
  );
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

const NODE_16 = { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 };

describe('the published client', () => {
  it.each(Object.keys(PROGRAMS))('runs on every Node at hand, and is one however it is loaded: %s', async (program) => {
    for (const node of await nodes()) {
      const namespace = `${program}-${(await nodes()).indexOf(node)}`;
      const { stdout } = await run(node, [program, String(server.port), namespace], { cwd: folder });
      expect(JSON.parse(stdout), node).toEqual({
        same: true,
        text: 'Mara prefers morning flights \u{1f600}',
        code: 'NOT_FOUND',
        own: true,
        other: true,
      });
    }
  });

  // Without Node's types, and with a library that does not know `Symbol.asyncDispose`.
  it.each<[string, readonly string[], ts.CompilerOptions]>([
    ['an ES module under node16', ['typed.mts'], NODE_16],
    ['a CommonJS module under node16', ['typed.cts'], NODE_16],
    ['a module under nodenext', ['typed.ts'], { module: ts.ModuleKind.NodeNext }],
    ['a bundler', ['typed.ts'], { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }],
    [
      'node10, which reads no `exports`',
      ['typed.ts'],
      {
        module: ts.ModuleKind.CommonJS,
        moduleResolution: ts.ModuleResolutionKind.Node10,
        ignoreDeprecations: '6.0',
      },
    ],
    ['an ES module and a CommonJS module together', ['pair.mts'], NODE_16],
  ])('has types for %s', (_what, files, options) => {
    expect(faultsOf(files, options)).toEqual([]);
  });

  it('says in its types what every field is', () => {
    expect(undocumented(join(installed, 'dist/index.d.cts'))).toEqual([]);
  });

  it('holds what it says, and no server code', () => {
    expect(packed.filter((path) => !path.startsWith('dist/types/')).sort()).toEqual([
      'LICENSE',
      'README.md',
      'dist/index.cjs',
      'dist/index.d.cts',
      'dist/index.d.ts',
      'dist/index.js',
      'package.json',
    ]);
    const code = readFileSync(join(installed, 'dist/index.cjs'), 'utf8');
    const sources = [...code.matchAll(/^\/\/ ((?:\.\.\/)*src\/\S+\.ts)$/gm)].map(([, path = '']) => path);
    expect(sources).toContain('src/client.ts');
    expect(sources.filter((path) => !/^(src\/[^/]+$|\.\.\/\.\.\/src\/(protocol|base)\/)/.test(path))).toEqual([]);
    const required = [...code.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name = '']) => name);
    expect(required.filter((name) => !name.startsWith('node:'))).toEqual(Object.keys(manifest.dependencies));
  });

  it('tells the server its version', () => {
    expect(CLIENT_NAME).toBe(`context-manager-ts/${manifest.version}`);
  });
});

describe('the adapters, packed and installed beside it', () => {
  const adapters = Object.keys(ADAPTER_PROGRAMS);

  beforeAll(async () => {
    for (const adapter of adapters) await installAdapter(adapter, folder);
  });

  it.each(adapters)('runs: %s', async (adapter) => {
    const url = `context-manager://default:${SECRET}@127.0.0.1:${server.port}`;
    const { stdout } = await run(process.execPath, [`${adapter}.mts`, url, `adapter-${adapter}`], { cwd: folder });
    expect(JSON.parse(stdout)).toBe('Mara prefers morning flights');
  });

  it.each(adapters)('has an example that runs in the checkout: %s', async (adapter) => {
    const env = { PATH: process.env['PATH'] ?? '', PORT: String(server.port), PROTOCOL_SECRET: SECRET };
    const { stdout } = await run(process.execPath, [`clients/adapters/${adapter}/example.ts`], { cwd: root, env });
    expect(stdout).toContain('morning flights');
  });

  it.each(adapters)('names nothing that is not in it or beside it, in code and declarations: %s', (adapter) => {
    expect(foreignNames(adapter, folder)).toEqual([]);
  });
});
