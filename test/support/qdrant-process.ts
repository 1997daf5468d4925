import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** A node of a real Qdrant cluster, by the program that `QDRANT_BIN` names. */
export interface QdrantNode {
  /** Of its REST interface. */
  readonly url: string;
  kill(): Promise<void>;
  /** On the same ports and folder. Resolves when it is ready. */
  start(): Promise<void>;
}

const READY_MS_MAX = 120_000;

/** The first node of a cluster, or one that joins that of `first`; its folder is the caller's. */
export async function startQdrantNode(binary: string, folder: string, first?: QdrantNode): Promise<QdrantNode> {
  const [http, grpc, p2p] = [await freePort(), await freePort(), await freePort()];
  const url = `http://127.0.0.1:${http}`;
  const peer = `http://127.0.0.1:${p2p}`;
  const joins = first === undefined ? [] : ['--bootstrap', peers.get(first) ?? ''];
  let child: ChildProcess | undefined;
  const node: QdrantNode = {
    url,
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    async start() {
      child = spawn(binary, ['--uri', peer, ...joins], {
        cwd: folder,
        stdio: 'ignore',
        env: {
          PATH: process.env['PATH'] ?? '',
          QDRANT__SERVICE__HOST: '127.0.0.1',
          QDRANT__SERVICE__HTTP_PORT: String(http),
          QDRANT__SERVICE__GRPC_PORT: String(grpc),
          QDRANT__CLUSTER__ENABLED: 'true',
          QDRANT__CLUSTER__P2P__PORT: String(p2p),
          QDRANT__STORAGE__STORAGE_PATH: `${folder}/storage`,
          QDRANT__STORAGE__SNAPSHOTS_PATH: `${folder}/snapshots`,
          QDRANT__TELEMETRY_DISABLED: 'true',
          QDRANT__LOG_LEVEL: 'WARN',
        },
      });
      const ended = once(child, 'exit').then(([code]) => {
        throw new Error(`${binary} ended with ${String(code)} before it was ready`);
      });
      ended.catch(() => undefined);
      await Promise.race([untilReady(url), ended]);
    },
  };
  peers.set(node, peer);
  await node.start();
  return node;
}

/** Where nodes talk to each other. */
const peers = new WeakMap<QdrantNode, string>();

async function untilReady(url: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < READY_MS_MAX; waitedMs += 100) {
    const isReady = await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    await sleep(100);
  }
  throw new Error(`${url} was not ready in time`);
}
