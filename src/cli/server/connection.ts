import { resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseAddress } from '../../../clients/typescript/src/addresses.ts';
import { parseConnectionUrl, type ConnectionUrl } from '../../../clients/typescript/src/connection-url.ts';
import {
  ContextManagerError,
  type Client,
  type OneServer,
  type SeveralServers,
  type TlsOptions,
} from '../../../clients/typescript/src/index.ts';
import { DEFAULT_KEY_ID, EVERY_AGENT } from '../../base/wire-names.ts';
import { resolveKeys } from '../../config/keys.ts';
import { loadConfig, type LoadedConfig } from '../../config/load.ts';
import { nodeConfigFiles, nodeSecretFiles, SECRET_FILE_BYTES_MAX } from '../../config/node-files.ts';
import { checkSecret, secretOfFile } from '../../config/secret.ts';
import { CommandError, usageError } from '../terminal/command-error.ts';
import { dial } from './dial.ts';
import { readNamedFile } from './named-file.ts';
import { localTls, tlsOf, withTlsOptions, type TlsChoice } from './tls.ts';
import type { Io } from '../terminal/io.ts';

/** Options of every command that talks to a server. */
export interface ClientOptions extends TlsChoice {
  readonly url?: string;
  readonly host?: string;
  readonly port?: number;
  readonly keyId: string;
  readonly secretFile?: string;
  readonly namespace?: string;
  readonly agent?: string;
  readonly session?: string;
  readonly json?: boolean;
}

/** Who the CLI is in the handshake, and the agent of what it stores, unless --agent says otherwise. */
export const CLI_SENDER = 'cli';
const URL_VARIABLE = 'CONTEXT_MANAGER_URL';

export function jsonOption(): Option {
  return new Option('--json', 'print JSON, for programs');
}

/** Adds the options that say which server, with which key. */
export function withServerOptions(command: Command): Command {
  return withTlsOptions(command)
    .addOption(
      new Option('--url <url>', 'context-manager://key@host:port, or several host:port with commas between').env(
        URL_VARIABLE,
      ),
    )
    .addOption(
      new Option('--host <address>', 'address of the server (default: that of the local configuration)').env(
        'CONTEXT_MANAGER_HOST',
      ),
    )
    .addOption(
      new Option('--port <number>', 'port of the server (default: that of the local configuration)')
        .env('CONTEXT_MANAGER_PORT')
        .argParser(parsePort),
    )
    .addOption(
      new Option('--key-id <id>', 'key to authenticate with').env('CONTEXT_MANAGER_KEY_ID').default(DEFAULT_KEY_ID),
    )
    .addOption(
      new Option(
        '--secret-file <path>',
        "file with the key's secret (default: PROTOCOL_SECRET, else the local data folder's)",
      ).env('CONTEXT_MANAGER_SECRET_FILE'),
    )
    .addOption(jsonOption());
}

export function namespaceOption(): Option {
  return new Option('--namespace <name>', "namespace (default: the key's own)").env('CONTEXT_MANAGER_NAMESPACE');
}

/** ... and whose contexts. */
export function withScopeOptions(command: Command): Command {
  return withServerOptions(command)
    .addOption(namespaceOption())
    .addOption(new Option('--agent <id>', 'agent').env('CONTEXT_MANAGER_AGENT'))
    .addOption(new Option('--session <id>', 'session').env('CONTEXT_MANAGER_SESSION'));
}

function parsePort(raw: string): number {
  const port = Number(raw);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError('It must be 1 to 65535.');
  return port;
}

export type Endpoint = (OneServer | SeveralServers) & {
  readonly keyId: string;
  readonly secret: string;
  readonly tls: TlsOptions | false;
};

/** Where to connect and with what, from options, environment and the local configuration, in this order. */
export function resolveEndpoint(options: ClientOptions, io: Io): Endpoint {
  const local = lazily(() => loadLocalConfig(io));
  const url = urlOf(options, io);
  const keyId = options.keyId === DEFAULT_KEY_ID ? (url?.keyId ?? options.keyId) : options.keyId;
  const servers = url === undefined ? serverOf(options, local) : serversOf(url.addresses);
  const isLocal = url === undefined && options.host === undefined;
  const ofLocal = (): TlsOptions | undefined => localTls(local().settings.tls, servers.host ?? '');
  return {
    ...servers,
    tls: tlsOf(options, io) ?? (isLocal ? ofLocal() : undefined) ?? false,
    keyId,
    secret:
      url?.secret === undefined
        ? findSecret({ ...options, keyId }, io, local)
        : checkSecret(url.secret, `--url (${URL_VARIABLE})`),
  };
}

function serverOf({ host, port }: ClientOptions, local: () => LoadedConfig): OneServer {
  return {
    host: host ?? reachable(local().settings.server.host),
    port: port ?? local().settings.server.port,
  };
}

/** One server is dialled as such: of a port where it does not answer it is told who does. */
function serversOf(addresses: readonly string[]): OneServer | SeveralServers {
  const [first = ''] = addresses;
  return (addresses.length === 1 ? parseAddress(first) : null) ?? { addresses };
}

/** What `--url` says; host and port that are typed set aside one that stands in the environment. */
function urlOf({ url, host, port }: ClientOptions, { environment }: Io): ConnectionUrl | undefined {
  if (url === undefined) return undefined;
  const isHostTyped = host !== undefined && host !== environment['CONTEXT_MANAGER_HOST'];
  const isPortTyped = port !== undefined && String(port) !== environment['CONTEXT_MANAGER_PORT'];
  if (isHostTyped || isPortTyped) {
    if (url === environment[URL_VARIABLE]) return undefined;
    throw usageError('give either --url or --host and --port');
  }
  try {
    return parseConnectionUrl(url);
  } catch (error) {
    if (error instanceof ContextManagerError) throw usageError(error.message.replace('connect: url', '--url'));
    throw error;
  }
}

const SECRET_IN_ARGUMENTS = `warning: everyone on this machine can see the secret in --url; put it into ${URL_VARIABLE} or a --secret-file\n`;

/** Whether the secret stands among the process' arguments. */
function showsSecret(options: ClientOptions, io: Io): boolean {
  return options.url !== io.environment[URL_VARIABLE] && urlOf(options, io)?.secret !== undefined;
}

/** `path`: of a file or folder that is read in place of the one in `CONFIG_PATH`. */
export function loadLocalConfig(io: Io, path?: string): LoadedConfig {
  const { environment, folder } = io;
  const variables = path === undefined ? environment : { ...environment, CONFIG_PATH: resolve(folder, path) };
  return loadConfig({ environment: variables, folder, files: nodeConfigFiles });
}

/** A server that listens on every interface is reached on this machine's own. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

const SECRET_REMEDY = 'Correct --secret-file (CONTEXT_MANAGER_SECRET_FILE).';

function findSecret(options: ClientOptions, io: Io, local: () => LoadedConfig): string {
  if (options.secretFile !== undefined) {
    const path = resolve(io.folder, options.secretFile);
    return checkSecret(
      secretOfFile(readNamedFile(path, SECRET_FILE_BYTES_MAX, 'the secret', SECRET_REMEDY)),
      `--secret-file ${path}`,
      'Name the file with the secret that the server uses, or make a new one for both: openssl rand -hex 32',
    );
  }
  const fromVariable = io.environment['PROTOCOL_SECRET'];
  if (fromVariable !== undefined && fromVariable !== '' && options.keyId === DEFAULT_KEY_ID)
    return checkSecret(fromVariable, 'PROTOCOL_SECRET');
  const { keys } = resolveKeys(local(), { environment: io.environment, files: nodeSecretFiles });
  const key = keys.find(({ id }) => id === options.keyId);
  if (key !== undefined) return key.secret;
  throw new CommandError(
    `the local configuration has no key "${options.keyId}", so its secret is not known`,
    keys.length === 0
      ? 'Name a file that holds it with --secret-file.'
      : `Choose one that it has with --key-id (${keys.map(({ id }) => id).join(', ')}), or name a file that holds the secret with --secret-file.`,
  );
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** A client of the server that the options name, as `sender`. */
export async function dialServer(options: ClientOptions, io: Io, sender: string): Promise<Client> {
  if (showsSecret(options, io)) await io.stderr.write(SECRET_IN_ARGUMENTS);
  return dial({ ...resolveEndpoint(options, io), sender });
}

/** Runs `task` with a connected client and closes it, whatever happens. */
export async function withClient<T>(options: ClientOptions, io: Io, task: (client: Client) => Promise<T>): Promise<T> {
  const client = await dialServer(options, io, CLI_SENDER);
  try {
    return await task(client);
  } finally {
    await client.close();
  }
}

/** What a read is restricted to: every agent, unless one is named. */
export function readScope(options: ClientOptions): {
  namespace: string | undefined;
  agent_id: string;
  session_id: string | undefined;
} {
  return { namespace: options.namespace, agent_id: options.agent ?? EVERY_AGENT, session_id: options.session };
}
