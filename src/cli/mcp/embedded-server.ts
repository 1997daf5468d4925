import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { connect, type Client } from '../../../clients/typescript/src/index.ts';
import { systemClock } from '../../base/clock.ts';
import { FolderInUse, StartupError } from '../../base/errors.ts';
import { makeFolder } from '../../base/make-folder.ts';
import { systemRandom } from '../../base/random.ts';
import { DEFAULT_KEY_ID } from '../../base/wire-names.ts';
import { checkDataFolder } from '../../config/data-folder.ts';
import { resolveKeys, type KeySettings } from '../../config/keys.ts';
import { nodeSecretFiles } from '../../config/node-files.ts';
import type { Io } from '../terminal/io.ts';
import { loadLocalConfig } from '../server/connection.ts';
import type { Link } from './client-port.ts';

/** Where the server over this folder listens, for others who would start one there. */
const ADDRESS_FILE = 'contexts.address';
const LOOPBACK = '127.0.0.1';
const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
/** Whoever has the folder may have just begun to start. */
const OTHERS_START_MS = 15_000;
const PAUSE_MS = 100;
const CONNECT_TIMEOUT_MS = 2_000;

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly sender: string;
  readonly version: string;
}

/**
 * A server over the folder: another process' that runs there, or one that is started in this process. It listens on a free
 * port of this machine, and whoever knows the folder's secret is let in. Rejects with `StartupError`.
 */
export async function openEmbedded(options: EmbeddedOptions, io: Io): Promise<Link> {
  const { dataDir } = options;
  makeFolder(dataDir, PRIVATE_FOLDER);
  const world = worldOf(dataDir, io);
  const loaded = loadLocalConfig(world);
  checkDataFolder(dataDir);
  const { keys } = resolveKeys(loaded, {
    environment: world.environment,
    files: nodeSecretFiles,
    random: systemRandom,
  });
  const key = keys.find(({ id }) => id === DEFAULT_KEY_ID) ?? keys[0];
  if (key === undefined) throw new StartupError('there is no key', 'Configure one in [[keys]].');
  const running = await joined(dataDir, key, options);
  if (running !== undefined) return running;
  const [{ startServer }, { openServerLog }] = await Promise.all([
    import('../../main.ts'),
    import('../server/server-log.ts'),
  ]);
  const { settings } = loaded;
  const { log, lines } = openServerLog(settings, keys, io);
  try {
    const server = await startServer({ settings, keys }, { log, version: options.version });
    const path = join(dataDir, ADDRESS_FILE);
    writeFileSync(path, `${JSON.stringify({ port: server.port, pid: process.pid })}\n`, { mode: PRIVATE_FILE });
    chmodSync(path, PRIVATE_FILE);
    const client = await connectTo(server.port, key, options);
    return {
      client,
      async close() {
        await client.close();
        rmSync(path, { force: true });
        await server.stop();
        lines.flush();
      },
    };
  } catch (error) {
    lines.flush();
    if (!(error instanceof StartupError)) throw error;
    return afterOthersStart(dataDir, key, options, error);
  }
}

/** Settings are those of the environment and of a file that it names: the folder that a client of MCP starts in is anybody's. */
function worldOf(dataDir: string, io: Io): Io {
  const { environment, folder } = io;
  const { CONFIG_PATH: configPath } = environment;
  return {
    ...io,
    folder: dataDir,
    environment: {
      DASHBOARD__ENABLED: 'false',
      LOGGING__LEVEL: 'warn',
      ...environment,
      ...(configPath === undefined ? {} : { CONFIG_PATH: resolve(folder, configPath) }),
      VECTOR_DB__DATA_DIR: dataDir,
      SERVER__HOST: LOOPBACK,
      SERVER__PORT: '0',
      SERVER__HTTP_HOST: LOOPBACK,
      SERVER__HTTP_PORT: '0',
      // Its port, its model and its tokens are those of a server that somebody runs, not of each that a client starts.
      GATEWAY__ENABLED: 'false',
    },
  };
}

/** A client of the server that another process runs over the folder; undefined: none answers. */
async function joined(dataDir: string, key: KeySettings, options: EmbeddedOptions): Promise<Link | undefined> {
  const port = portIn(join(dataDir, ADDRESS_FILE));
  if (port === undefined) return undefined;
  try {
    const client = await connectTo(port, key, options);
    // When that process ends, the next call looks for another or starts a server itself.
    const { promise: lost, resolve: lose } = Promise.withResolvers<void>();
    client.once('close', () => {
      lose();
      void client.close({ timeoutMs: 0 });
    });
    return { client, lost, close: () => client.close() };
  } catch {
    return undefined;
  }
}

/** Another process may have been a moment faster. */
async function afterOthersStart(
  dataDir: string,
  key: KeySettings,
  options: EmbeddedOptions,
  error: StartupError,
): Promise<Link> {
  const isTaken = error instanceof FolderInUse;
  for (let waitedMs = 0; isTaken && waitedMs < OTHERS_START_MS; waitedMs += PAUSE_MS) {
    const link = await joined(dataDir, key, options);
    if (link !== undefined) return link;
    await new Promise<void>((done) => void systemClock.after(PAUSE_MS, done));
  }
  throw isTaken
    ? new StartupError(error.message, 'A server runs over this folder: leave --embedded out and connect to it.', error)
    : error;
}

function connectTo(port: number, { id, secret }: KeySettings, { sender }: EmbeddedOptions): Promise<Client> {
  return connect({ host: LOOPBACK, port, keyId: id, secret, sender, connectTimeoutMs: CONNECT_TIMEOUT_MS });
}

function portIn(path: string): number | undefined {
  try {
    const { port } = JSON.parse(readFileSync(path, 'utf8')) as { port?: unknown };
    return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
  } catch {
    return undefined;
  }
}
