import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/free-port.ts';
import { peerPackage } from './install.ts';
import { NotHere, TOP, type Hit, type Peer, type PeerOptions } from './peer.ts';
import { untilAnswers } from './until-answers.ts';

/** What is used of the package `chromadb`. */
interface Chroma {
  readonly ChromaClient: new (options: {
    host: string;
    port: number;
    ssl: boolean;
  }) => {
    version(): Promise<string>;
    createCollection(options: object): Promise<Collection>;
  };
}
interface Collection {
  add(records: { ids: string[]; embeddings: number[][]; documents: string[] }): Promise<void>;
  query(question: {
    queryEmbeddings: number[][];
    nResults: number;
    include: string[];
  }): Promise<{ ids: string[][]; documents: (string | null)[][] }>;
}

/**
 * Chroma's server, by its package's own command or the program that `CHROMA_BIN` names (PyPI's `chromadb` has one), with a
 * collection for each namespace. By itself it has no ranking by words.
 */
export async function startChroma({ namespaces }: PeerOptions): Promise<Peer> {
  const { ChromaClient } = (await peerPackage('chromadb')) as Chroma;
  const folder = await mkdtemp(join(tmpdir(), 'context-manager-bench-chroma-'));
  const port = await freePort();
  const { CHROMA_BIN: own = '' } = process.env;
  const command = fileURLToPath(new URL('node_modules/chromadb/dist/cli.mjs', import.meta.url));
  const args = ['run', '--path', folder, '--host', '127.0.0.1', '--port', String(port)];
  const child =
    own === ''
      ? spawn(process.execPath, [command, ...args], { cwd: folder, stdio: 'ignore' })
      : spawn(own, args, { cwd: folder, stdio: 'ignore' });
  const killOnExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killOnExit);
  try {
    await untilAnswers(`http://127.0.0.1:${port}/api/v2/heartbeat`, child);
  } catch (error) {
    throw new NotHere(`its server does not start (${String(error)}); CHROMA_BIN names another one`);
  }
  const client = new ChromaClient({ host: '127.0.0.1', port, ssl: false });
  const collections = new Map<string, Collection>();
  for (const name of namespaces) {
    const options = { name, embeddingFunction: null, configuration: { hnsw: { space: 'cosine' } } };
    collections.set(name, await client.createCollection(options));
  }
  const collectionOf = (namespace: string): Collection => collections.get(namespace) as Collection;
  return {
    settings: `${await client.version()}, defaults, cosine; its client over REST, a collection for each namespace`,
    kinds: ['dense'],
    pid: child.pid ?? -1,
    async add(namespace, records) {
      await collectionOf(namespace).add({
        ids: records.map(({ position }) => String(position)),
        embeddings: records.map(({ vector }) => [...vector]),
        documents: records.map(({ text }) => text),
      });
    },
    // What is added is in its index, or compared beside it, when it is acknowledged.
    untilIndexed: () => Promise.resolve(0),
    async search(_kind, namespace, { vector }) {
      const { ids, documents } = await collectionOf(namespace).query({
        queryEmbeddings: [[...vector]],
        nResults: TOP,
        include: ['documents'],
      });
      const texts = documents[0] ?? [];
      return (ids[0] ?? []).map((id, place): Hit => ({ position: Number(id), text: texts[place] ?? '' }));
    },
    async stop() {
      process.off('exit', killOnExit);
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
