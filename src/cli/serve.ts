import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { StartupError } from '../base/errors.ts';
import { systemClock } from '../base/clock.ts';
import { collectIdleGarbage, ownGarbage } from '../base/idle-garbage.ts';
import { systemRandom } from '../base/random.ts';
import { readCertificates } from '../config/certificates.ts';
import { exposureWarnings } from '../config/exposure.ts';
import { checkDataFolder } from '../config/data-folder.ts';
import { resolveKeys, type ResolvedKeys } from '../config/keys.ts';
import type { LoadedConfig } from '../config/load.ts';
import { nodeSecretFiles } from '../config/node-files.ts';
import type { RunningServer } from '../main.ts';
import { jsonOption, loadLocalConfig } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { renderRows } from './terminal/render.ts';
import { endWithSignals } from './terminal/signals.ts';

interface ServeOptions {
  readonly host?: string;
  readonly port?: string;
  readonly httpPort?: string;
  readonly dataDir?: string;
  readonly config?: string;
  readonly json?: boolean;
}

const HELP = `
Settings come from config/default.toml, config/<CONFIG_ENV>.toml, CONFIG_PATH and variables SECTION__KEY; all are listed
in config/reference.toml. The first start makes a secret in the data folder; with CONFIG_ENV=production it must be given
in PROTOCOL_SECRET. Options come before all of them. SIGTERM and SIGINT finish what is in flight; a second one ends at once.
SIGHUP takes keys, limits, certificates and the log's level over from files that have changed.

Examples:
  context-manager serve
  context-manager serve --port 7421 --http-port 8081 --data-dir ./other-data
  context-manager serve --config /etc/context-manager.toml
  SERVER__PORT=7421 VECTOR_DB__DATA_DIR=/var/lib/cm context-manager serve`;

/** `serve` */
export function addServe(program: Command, io: Io, version: string): void {
  program
    .command('serve')
    .description('Run the server until it is told to stop.')
    .addOption(new Option('--host <address>', 'address that agents connect to (server.host)'))
    .addOption(new Option('--port <number>', 'port that agents connect to; 0 takes a free one (server.port)'))
    .addOption(new Option('--http-port <number>', 'port of health and metrics (server.http_port)'))
    .addOption(new Option('--data-dir <path>', 'folder of the data (vector_db.data_dir)'))
    .addOption(new Option('--config <path>', 'file or folder with settings, in place of CONFIG_PATH'))
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((options: ServeOptions) => serve(options, withOptions(io, options), version));
}

/** What an option says, said by its variable: it is checked as that, shown by it, and named where it is wrong. */
function withOptions(io: Io, { host, port, httpPort, dataDir, config }: ServeOptions): Io {
  const named = {
    SERVER__HOST: host,
    SERVER__PORT: port,
    SERVER__HTTP_PORT: httpPort,
    VECTOR_DB__DATA_DIR: dataDir,
    CONFIG_PATH: config,
  };
  const given = Object.entries(named).filter(([, value]) => value !== undefined);
  return { ...io, environment: { ...io.environment, ...Object.fromEntries(given) } };
}

async function serve(options: ServeOptions, io: Io, version: string): Promise<void> {
  const loaded = loadLocalConfig(io);
  const { settings } = loaded;
  checkDataFolder(settings.vectorDb.dataDir);
  const keys = resolveKeys(loaded, {
    environment: io.environment,
    files: nodeSecretFiles,
    random: systemRandom,
  });
  const { certificates, warnings: ofCertificates } = readCertificates(settings.tls, systemClock.nowMs());
  // Loaded here, so that the other commands start without a server's weight.
  const [{ startServer }, { openServerLog }, { Reloading }] = await Promise.all([
    import('../main.ts'),
    import('./server/server-log.ts'),
    import('./server/reload.ts'),
  ]);
  const logging = openServerLog(settings, keys.keys, io);
  const { log, lines } = logging;
  const reloading = new Reloading(io, loaded, logging);
  const stopReloading = reloading.listen();
  const stopCollecting = collectIdleGarbage({ clock: systemClock, ...ownGarbage() });
  const exposures = await exposureWarnings(settings, lookup);
  const warnings = [...loaded.warnings, ...loaded.unused, ...keys.warnings, ...exposures, ...ofCertificates];
  for (const warning of warnings) log.warn({}, warning);
  try {
    const server = await startServer({ settings, keys: keys.keys, certificates }, { log, version });
    const ended = endWithSignals(server, log, lines);
    reloading.running(server);
    // A full disk behind standard output is no reason not to serve.
    await announce(server, { options, io, version, loaded, keys }).catch((error: unknown) => {
      log.warn({ error }, 'where it listens could not be written to standard output');
    });
    await ended;
  } catch (error) {
    // What stands in the way is shown as message and remedy; anything else is a defect, and its stack belongs in the log.
    if (!(error instanceof StartupError)) log.error({ error }, 'start failed');
    throw error;
  } finally {
    stopReloading();
    stopCollecting();
    lines.flush();
  }
}

interface Started {
  readonly options: ServeOptions;
  readonly io: Io;
  readonly version: string;
  readonly loaded: LoadedConfig;
  readonly keys: ResolvedKeys;
}

async function announce(server: RunningServer, started: Started): Promise<void> {
  const { options, io, version, loaded, keys } = started;
  const { dataDir } = loaded.settings.vectorDb;
  const { tls } = loaded.settings;
  const isEncrypted = tls.cert !== undefined;
  const scheme = isEncrypted && tls.http ? 'https' : 'http';
  const http = `${scheme}://${bracketed(loaded.settings.server.httpHost)}:${server.httpPort}`;
  const { gatewayPort } = server;
  const gateway = gatewayPort === null ? null : `${scheme}://${bracketed(loaded.settings.gateway.host)}:${gatewayPort}`;
  if (options.json) {
    const about = {
      version,
      host: server.host,
      port: server.port,
      ...(isEncrypted && { tls: true }),
      http,
      ...(gateway !== null && { gateway }),
      data_dir: dataDir,
      secret_file: keys.secretFile?.path ?? null,
    };
    return writeJson(io.stdout, about);
  }
  const secret =
    keys.secretFile === undefined
      ? []
      : [['  secret', `${keys.secretFile.path}${keys.secretFile.created ? ' (made just now)' : ''}`]];
  const rows = [
    ['  listening', `${bracketed(server.host)}:${server.port}${isEncrypted ? ', by TLS' : ''}`],
    ['  health', `${http}/health, metrics at ${http}/metrics`],
    ...(loaded.settings.dashboard.enabled ? [['  dashboard', `${dashboardHost(http)}/`]] : []),
    ...(gateway === null ? [] : [['  gateway', `${gateway}/v1`]]),
    ['  data', dataDir],
    ...secret,
    ['  try next', nextCommand(server, started)],
  ];
  return io.stdout.write(`context-manager ${version} is running (${loaded.environmentName})\n${renderRows(rows)}`);
}

/** A browser on this machine cannot ask for an address that stands for all. */
function dashboardHost(http: string): string {
  return http.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:)/, '//localhost');
}

/** An IPv6 address before a port. */
function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Settings that stand in this process' environment alone are unknown in another terminal: the command names them. */
function nextCommand(server: RunningServer, { io, keys, loaded }: Started): string {
  const example = join('examples', 'conversation.jsonl');
  const command = existsSync(join(io.folder, example))
    ? `import ${example}`
    : 'store "The customer wants invoices by post"';
  const port =
    io.environment['SERVER__PORT'] !== undefined || loaded.settings.server.port === 0 ? ` --port ${server.port}` : '';
  const secret =
    io.environment['VECTOR_DB__DATA_DIR'] !== undefined && keys.secretFile !== undefined
      ? ` --secret-file ${keys.secretFile.path}`
      : '';
  const { cert } = loaded.settings.tls;
  const tls = io.environment['TLS__CERT'] !== undefined && cert !== undefined ? ` --tls-ca ${cert}` : '';
  return `npx context-manager ${command}${port}${secret}${tls}`;
}
