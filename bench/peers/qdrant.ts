import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/support/free-port.ts';
import { sparseOf } from './sparse.ts';
import { untilAnswers } from './until-answers.ts';
import { NotHere, TOP, type Hit, type Peer, type PeerOptions } from './peer.ts';

const COLLECTION = 'bench';
const POLL_MS = 100;
/** What each half gives to the fusion. */
const PREFETCHED = 4 * TOP;

interface Served {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Qdrant over REST: the program that `QDRANT_BIN` names, or the server at `QDRANT_URL`. */
export async function startQdrant({ dimension, namespaces }: PeerOptions): Promise<Peer> {
  const { QDRANT_URL: url = '', QDRANT_API_KEY: apiKey, QDRANT_BIN: program = '' } = process.env;
  if (url === '' && program === '') throw new NotHere('neither QDRANT_BIN nor QDRANT_URL is set');
  const served = url === '' ? await serve(program) : { url, pid: -1, stop: () => Promise.resolve() };
  const headers = {
    'content-type': 'application/json',
    // A compressed reply meets delayed acknowledgements: 44 ms instead of 2.5 over loopback.
    'accept-encoding': 'identity',
    ...(apiKey === undefined ? {} : { 'api-key': apiKey }),
  };
  const ask = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const answer = await fetch(served.url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`Qdrant: ${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const { version } = await ask<{ version: string }>('GET', '/');
  await ask('DELETE', `/collections/${COLLECTION}`);
  const isShared = namespaces.length > 1;
  await ask('PUT', `/collections/${COLLECTION}`, {
    vectors: { dense: { size: dimension, distance: 'Cosine' } },
    sparse_vectors: { words: { modifier: 'idf' } },
    // As its pages on multitenancy advise: a graph for each namespace instead of one for all.
    ...(isShared ? { hnsw_config: { m: 0, payload_m: 16 } } : {}),
  });
  if (isShared) {
    const index = { field_name: 'namespace', field_schema: { type: 'keyword', is_tenant: true } };
    await ask('PUT', `/collections/${COLLECTION}/index?wait=true`, index);
  }
  const within = (namespace: string): object =>
    isShared ? { filter: { must: [{ key: 'namespace', match: { value: namespace } }] } } : {};
  return {
    settings: `${version}, defaults${isShared ? ', payload_m 16 and is_tenant' : ''}; REST, wait, no compression`,
    kinds: ['dense', 'hybrid'],
    pid: served.pid,
    async add(namespace, records) {
      const points = records.map(({ position, text, vector }) => ({
        id: position,
        payload: { namespace, text },
        vector: { dense: [...vector], words: sparseOf(text) },
      }));
      await ask('PUT', `/collections/${COLLECTION}/points?wait=true`, { points });
    },
    async untilIndexed() {
      for (let status = ''; status !== 'green'; await sleep(POLL_MS)) {
        const { result } = await ask<{ result: { status: string } }>('GET', `/collections/${COLLECTION}`);
        status = result.status;
      }
      return POLL_MS;
    },
    async search(kind, namespace, { text, vector }) {
      const dense = { query: [...vector], using: 'dense' };
      const filter = within(namespace);
      const question =
        kind === 'dense'
          ? { ...dense, ...filter }
          : {
              prefetch: [
                { ...dense, ...filter, limit: PREFETCHED },
                { query: sparseOf(text), using: 'words', ...filter, limit: PREFETCHED },
              ],
              query: { fusion: 'rrf' },
            };
      const { result } = await ask<{ result: { points: { id: number; payload: { text: string } }[] } }>(
        'POST',
        `/collections/${COLLECTION}/points/query`,
        { ...question, limit: TOP, with_payload: ['text'] },
      );
      return result.points.map(({ id, payload }): Hit => ({ position: id, text: payload.text }));
    },
    async stop() {
      await ask('DELETE', `/collections/${COLLECTION}`);
      await served.stop();
    },
  };
}

async function serve(program: string): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'context-manager-bench-qdrant-'));
  const [http, grpc] = [await freePort(), await freePort()];
  const child: ChildProcess = spawn(program, [], {
    cwd: folder,
    stdio: 'ignore',
    env: {
      PATH: process.env['PATH'] ?? '',
      QDRANT__SERVICE__HOST: '127.0.0.1',
      QDRANT__SERVICE__HTTP_PORT: String(http),
      QDRANT__SERVICE__GRPC_PORT: String(grpc),
      QDRANT__STORAGE__STORAGE_PATH: join(folder, 'storage'),
      QDRANT__STORAGE__SNAPSHOTS_PATH: join(folder, 'snapshots'),
      QDRANT__TELEMETRY_DISABLED: 'true',
      QDRANT__LOG_LEVEL: 'WARN',
    },
  });
  const killOnExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killOnExit);
  const url = `http://127.0.0.1:${http}`;
  await untilAnswers(`${url}/readyz`, child);
  return {
    url,
    pid: child.pid ?? -1,
    async stop() {
      process.off('exit', killOnExit);
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
