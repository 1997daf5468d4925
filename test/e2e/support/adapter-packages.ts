import { cpSync, existsSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

interface Manifest {
  readonly name: string;
  readonly files: readonly string[];
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** Each is handed `client` and `namespace`, and answers with what it read back. */
export const ADAPTER_PROGRAMS: Readonly<Record<string, string>> = {
  'ai-sdk': `
import { memoryTools } from '@context-manager/ai-sdk';
const { remember, recall } = memoryTools({ client, namespace });
const call = { toolCallId: '1', messages: [], context: {} };
await remember.execute?.({ text: 'Mara prefers morning flights' }, call);
const { memories } = (await recall.execute?.({ query: 'morning flights' }, call)) as { memories: { text: string }[] };
export const answer = memories[0]?.text;`,
  langgraph: `
import { ContextManagerStore } from '@context-manager/langgraph';
const store = new ContextManagerStore({ client, namespace });
await store.put(['users'], 'mara', { text: 'Mara prefers morning flights' });
const [found] = await store.search(['users'], { query: 'morning flights' });
export const answer = found?.value['text'] as unknown;`,
  'openai-agents': `
import { ContextManagerSession } from '@context-manager/openai-agents';
const session = new ContextManagerSession({ client, namespace, sessionId: 'trip-42' });
await session.addItems([{ role: 'user', content: 'Mara prefers morning flights' }]);
const [item] = await session.getItems();
export const answer = item !== undefined && 'content' in item ? item.content : undefined;`,
  'anthropic-memory': `
import { memoryTool } from '@context-manager/anthropic-memory';
const tool = memoryTool({ client, namespace });
const path = '/memories/mara';
await tool.run({ command: 'create', path, file_text: 'Mara prefers morning flights' });
export const answer = String(await tool.run({ command: 'view', path })).split('\\t')[1];`,
};

/** Packs and installs an adapter as npm would, in a folder that has the client; frameworks are linked from this checkout. */
export async function installAdapter(adapter: string, folder: string): Promise<void> {
  const source = join(ROOT, 'clients/adapters', adapter);
  await run(process.execPath, ['../build.ts'], { cwd: source });
  const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as Manifest;
  const installed = join(folder, 'node_modules', manifest.name);
  mkdirSync(installed, { recursive: true });
  for (const path of ['package.json', ...manifest.files])
    cpSync(join(source, path), join(installed, path), { recursive: true });
  for (const peer of Object.keys(manifest.peerDependencies)) {
    const place = join(folder, 'node_modules', peer);
    if (existsSync(place)) continue;
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', peer), place);
  }
  writeFileSync(join(folder, `${adapter}.mts`), programOf(ADAPTER_PROGRAMS[adapter] ?? ''));
}

/** What modules and declarations of an installed adapter import that is neither theirs, nor a peer's, nor Node's. */
export function foreignNames(adapter: string, folder: string): string[] {
  const installed = join(folder, 'node_modules/@context-manager', adapter);
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest;
  const peers = Object.keys(manifest.peerDependencies);
  const modules = globSync('dist/*.{js,d.ts}', { cwd: installed });
  if (!modules.includes(join('dist', 'index.d.ts'))) return ['no dist/index.d.ts'];
  return modules.flatMap((module) => {
    const names = readFileSync(join(installed, module), 'utf8').matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)/g);
    return [...names]
      .map(([, name = '', imported = name]) => imported)
      .filter((name) => {
        const file = join(installed, 'dist', module.endsWith('.d.ts') ? name.replace(/\.js$/, '.d.ts') : name);
        if (name.startsWith('.')) return !existsSync(file);
        return !name.startsWith('node:') && !peers.some((peer) => name === peer || name.startsWith(`${peer}/`));
      })
      .map((name) => `${module}: ${name}`);
  });
}

function programOf(body: string): string {
  return `
import { connect } from '@context-manager/client';
const [, , url = '', namespace = ''] = process.argv;
const client = await connect(url);
${body}
await client.close();
console.log(JSON.stringify(answer));
`;
}
