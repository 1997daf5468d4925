import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_NAME } from '../../clients/typescript/src/version.ts';
import { World, type ServerProcess } from './support/processes.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const source = join(root, 'clients/typescript');
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const SECRET = '0123456789abcdef0123456789abcdef';
const world = new World();
let folder: string;
let installed: string;
let server: ServerProcess;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as Manifest;

const PROGRAM = `
import { connect, ContextManagerError } from '${manifest.name}';
const client = await connect({ host: '127.0.0.1', port: Number(process.argv[2]), keyId: 'default', secret: '${SECRET}', sender: 'packaged', namespace: 'node-' + process.versions.node });
const { id } = await client.store({ text: 'Mara prefers morning flights \\u{1f600}', metadata: { seat: 12 } });
const { contexts } = await client.query({ query: 'which flights does Mara prefer?', max_tokens: 200 });
const refused = await client.get({ id: '00000000-0000-7000-8000-000000000000' }).catch((error) => error);
await client.close();
console.log(JSON.stringify({ same: contexts[0].id === id, text: contexts[0].text, code: refused.code, own: refused instanceof ContextManagerError }));
`;

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
export const namesOf = ({ namespaces }: NamespaceListReply): string[] => namespaces.map(({ namespace }) => namespace);
function use(context: Context): string {
  return context.text;
}
export const failed = (error: unknown): boolean => error instanceof ContextManagerError && error.retryable;
export const open = (): Promise<Client> => connect({ host: 'h', port: 1, keyId: 'k', secret: new Uint8Array(32) });
`;

/** The package as npm would pack it, installed in a folder of its own, without a network. */
beforeAll(async () => {
  folder = world.folder();
  installed = join(folder, 'node_modules', manifest.name);
  await run(process.execPath, [tsc, '-p', join(source, 'tsconfig.json'), '--outDir', join(installed, 'dist')]);
  expect(manifest.files).toEqual(['dist']);
  cpSync(join(source, 'package.json'), join(installed, 'package.json'));
  for (const dependency of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(folder, 'node_modules', dependency)), { recursive: true });
    cpSync(join(root, 'node_modules', dependency), join(folder, 'node_modules', dependency), { recursive: true });
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'program.js'), PROGRAM);
  server = await world.serve(world.folder(), { PROTOCOL_SECRET: SECRET });
});

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

describe('the published client', () => {
  it('runs on every Node at hand', async () => {
    for (const node of await nodes()) {
      const { stdout } = await run(node, ['program.js', String(server.port)], { cwd: folder });
      expect(JSON.parse(stdout), node).toEqual({
        same: true,
        text: 'Mara prefers morning flights \u{1f600}',
        code: 'NOT_FOUND',
        own: true,
      });
    }
  });

  it("has types that need neither Node's nor anything of the server", async () => {
    const compilerOptions = {
      noEmit: true,
      strict: true,
      exactOptionalPropertyTypes: true,
      target: 'es2022',
      lib: ['es2022', 'dom'],
      module: 'nodenext',
      types: [],
    };
    writeFileSync(join(folder, 'typed.ts'), TYPED_PROGRAM);
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['typed.ts'] }));
    const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch(
      (error: unknown) => error as { stdout: string },
    );
    expect(stdout).toBe('');
  });

  it('holds no server code', () => {
    const files = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.js'),
    );
    expect(files).toContain('clients/typescript/src/index.js');
    expect(files.filter((file) => !/^(clients\/typescript\/src|src\/(protocol|base))\//.test(file))).toEqual([]);
    const imported = new Set<string>();
    for (const file of files) {
      const text = readFileSync(join(installed, 'dist', file), 'utf8');
      for (const [, name] of text.matchAll(/ from '([^'.][^']*)'/g)) imported.add(name!);
    }
    expect([...imported].filter((name) => !name.startsWith('node:'))).toEqual(['msgpackr']);
  });

  it('tells the server its version', () => {
    expect(CLIENT_NAME).toBe(`context-manager-ts/${manifest.version}`);
  });
});
