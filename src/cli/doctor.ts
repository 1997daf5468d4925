import { oneLine } from '../base/control-characters.ts';
import { lookup } from 'node:dns/promises';
import { X509Certificate } from 'node:crypto';
import { accessSync, constants, existsSync } from 'node:fs';
import type { Command } from 'commander';
import { addressText } from '../../clients/typescript/src/addresses.ts';
import { ContextManagerError } from '../../clients/typescript/src/index.ts';
import { systemClock } from '../base/clock.ts';
import { StartupError } from '../base/errors.ts';
import { LEVELS, type Level } from '../base/context.ts';
import { readCertificates } from '../config/certificates.ts';
import { checkDataFolder, nearestExisting } from '../config/data-folder.ts';
import { exposureWarnings } from '../config/exposure.ts';
import { resolveKeys } from '../config/keys.ts';
import type { LoadedConfig } from '../config/load.ts';
import { defaultSettings, type Settings } from '../config/settings.ts';
import { nodeSecretFiles } from '../config/node-files.ts';
import { LevelPolicy } from '../hirag/tiers/level-policy.ts';
import type { PingReply } from '../protocol/messages.generated.ts';
import { CommandError, explain } from './terminal/command-error.ts';
import {
  loadLocalConfig,
  reachable,
  resolveEndpoint,
  withClient,
  withServerOptions,
  type ClientOptions,
} from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { ANY_PORT, fetchHealth, probePort } from './server/probes.ts';
import { localTls } from './server/tls.ts';
import { tryUpstreams } from './server/upstream-checks.ts';
import { whoListens } from './server/who-listens.ts';
import { PARTS, tryEmbedder, trySummaries } from './server/model-checks.ts';
import {
  describeEncryption,
  describeModes,
  describeOpenFiles,
  openFilesLimit,
  strayIndexes,
} from './server/machine-checks.ts';
import { formatDuration, renderRows } from './terminal/render.ts';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** Works, but should be known. */
  readonly warnings?: readonly string[];
  readonly remedy?: string;
  /** The check before it that failed for the same reason. */
  readonly same_as?: string;
}

/** What a check found: one line, or one with warnings. */
type Finding = string | Pick<Check, 'detail' | 'warnings'>;
type Look = () => Promise<Finding> | Finding;

const HELP = `
Looks at configuration, keys, server, clock, store, embedder and ports, with the server up or down, and says what to do
about each that fails. Exit code 1 where any does.

Example:
  context-manager doctor --json`;

/** `doctor` */
export function addDoctor(program: Command, io: Io): void {
  withServerOptions(program.command('doctor').description('Check everything that a working server needs.'))
    .addHelpText('after', HELP)
    .action((options: ClientOptions) => doctor(options, io));
}

async function doctor(options: ClientOptions, io: Io): Promise<void> {
  const checks: Check[] = [];
  const examine: Examine = async (name, look) => {
    const check = once(await examined(name, look), checks);
    checks.push(check);
    if (!options.json) await io.stdout.write(renderCheck(check));
    return check.ok;
  };
  await examineAll(options, io, examine);
  const failed = checks.filter((check) => !check.ok && check.same_as === undefined).length;
  if (options.json) await writeJson(io.stdout, { ok: failed === 0, checks });
  if (failed > 0) throw new CommandError(failed === 1 ? '1 check failed' : `${failed} checks failed`);
}

/** A fault is told where it is found first, and counted there. */
function once(check: Check, before: readonly Check[]): Check {
  const first = check.ok ? undefined : before.find(({ ok, detail }) => !ok && detail === check.detail);
  if (first === undefined) return check;
  return { name: check.name, ok: false, detail: `not checked: see ${first.name}`, same_as: first.name };
}

type Examine = (name: string, look: Look) => Promise<boolean>;

async function examined(name: string, look: Look): Promise<Check> {
  try {
    const found = await look();
    return { name, ok: true, ...(typeof found === 'string' ? { detail: found } : found) };
  } catch (error) {
    const { code, message, remedy } = explain(error);
    return {
      name,
      ok: false,
      detail: code === undefined ? message : `${code}: ${message}`,
      ...(remedy === undefined ? {} : { remedy }),
    };
  }
}

function renderCheck({ name, ok, detail, warnings = [], remedy }: Check): string {
  const rows = [[ok ? (warnings.length > 0 ? '!' : '✓') : '✗', name.padEnd(13), oneLine(detail)]];
  for (const warning of warnings) rows.push(['', '', oneLine(warning)]);
  if (remedy !== undefined) rows.push(['', '', oneLine(remedy)]);
  return renderRows(rows);
}

async function examineAll(options: ClientOptions, io: Io, examine: Examine): Promise<void> {
  const loaded = await examineConfiguration(io, examine);
  await examine('keys', () => describeKeys(options, io, loaded));
  if (loaded !== undefined) {
    const { server, vectorDb } = loaded.settings;
    await examine('exposure', () => describeExposure(loaded.settings));
    if (loaded.settings.tls.cert !== undefined) await examine('tls', () => describeTls(loaded.settings.tls));
    await examine('open files', () => describeOpenFiles(openFilesLimit(), server.maxConnections));
    if (vectorDb.driver === 'embedded') {
      await examine('modes', () => describeModes(vectorDb.dataDir));
      await examine('encryption', () => describeEncryption(vectorDb));
    }
  }
  const server = await reach(options, io);
  const refusedClock = clockRefusal(server);
  if (refusedClock !== null) await examine('clock', () => Promise.reject(refusedClock));
  await examine('server', () => {
    if (refusedClock !== null) throw refusedClock;
    if (server.reply === undefined) throw named(server.failure, options, io);
    return `answers, up ${formatDuration(server.reply.uptime_ms)}`;
  });
  if (server.reply !== undefined) {
    await examineRunning(server.reply, loaded, examine);
    const counts = async (): Promise<LevelCounts> => (await withClient(options, io, (client) => client.stats())).counts;
    if (loaded !== undefined) await examineLevels(loaded.settings, counts, examine);
  }
  if (loaded !== undefined) await examine('embedder', () => tryEmbedder(loaded.settings));
  if (loaded !== undefined && loaded.settings.summary.provider !== 'none')
    await examine('summaries', () => trySummaries(loaded.settings));
  if (loaded?.settings.gateway.enabled === true) await examine('gateway', () => tryUpstreams(loaded.settings));
  // Where something answers, if only with an error, the ports are taken and the store is open.
  if (loaded === undefined || !server.down || (server.unasked && (await isTaken(loaded.settings)))) return;
  await examineStopped(options, loaded, examine);
}

async function examineConfiguration(io: Io, examine: Examine): Promise<LoadedConfig | undefined> {
  const found: { loaded?: LoadedConfig } = {};
  await examine('configuration', () => {
    const loaded = (found.loaded = loadLocalConfig(io));
    if (loaded.warnings[0] !== undefined) throw new CommandError(loaded.warnings[0], 'Correct its name, or unset it.');
    const files = loaded.filesRead.length === 0 ? 'defaults' : loaded.filesRead.join(', ');
    return { detail: `${loaded.environmentName}: ${files}`, warnings: loaded.unused };
  });
  return found.loaded;
}

interface Reached {
  readonly reply?: PingReply;
  readonly failure?: unknown;
  /** When that was, by this machine's clock. */
  readonly atMs: number;
  readonly down: boolean;
  /** Nothing could be sent, so nobody knows whether it is down. */
  readonly unasked: boolean;
}

async function reach(options: ClientOptions, io: Io): Promise<Reached> {
  try {
    const reply = await withClient(options, io, (client) => client.ping());
    return { reply, atMs: systemClock.nowMs(), down: false, unasked: false };
  } catch (failure) {
    const nothingSent = failure instanceof StartupError || failure instanceof CommandError;
    const atMs = systemClock.nowMs();
    return { failure, atMs, down: nothingSent || explain(failure).code === 'CONNECTION_FAILED', unasked: nothingSent };
  }
}

/** What the clock is told for where the server took nothing else into account; null: something else is wrong. */
function clockRefusal({ failure, atMs }: Reached): CommandError | null {
  if (!(failure instanceof ContextManagerError) || failure.code !== 'TIMESTAMP_OUT_OF_RANGE') return null;
  const serverTime = failure.details?.['server_time'];
  if (typeof serverTime !== 'number') return null;
  return clockFault(`${differenceText(atMs - serverTime)}, which refuses connections with such a time`);
}

function differenceText(aheadMs: number): string {
  return `${formatDuration(Math.abs(aheadMs))} ${aheadMs >= 0 ? 'ahead of' : 'behind'} the server`;
}

function clockFault(detail: string): CommandError {
  return new CommandError(detail, 'Set both clocks by NTP.');
}

/** Whether a server runs on the port that this one would take: that is no fault, and its port and its store are its own. */
async function isTaken({ server, tls }: Settings): Promise<boolean> {
  if (server.port === 0) return false;
  return (await whoListens(reachable(server.host), server.port)) === (tls.cert === undefined ? 'server' : 'tls');
}

/** With the addresses that were tried, where the failure does not say them itself. */
function named(failure: unknown, options: ClientOptions, io: Io): unknown {
  if (!(failure instanceof ContextManagerError)) return failure;
  const { host, port, addresses } = resolveEndpoint(options, io);
  const tried = addresses === undefined ? addressText({ host, port }) : addresses.join(', ');
  const { code, message } = failure;
  return message.includes(tried) ? failure : new ContextManagerError(code, `${tried}: ${message}`, { cause: failure });
}

function describeKeys(options: ClientOptions, io: Io, loaded: LoadedConfig | undefined): string {
  if (options.secretFile !== undefined || options.url !== undefined || loaded === undefined) {
    return `the secret of key "${resolveEndpoint(options, io).keyId}" is there`;
  }
  const { keys, warnings } = resolveKeys(loaded, {
    environment: io.environment,
    files: nodeSecretFiles,
  });
  if (warnings[0] !== undefined) throw new CommandError(warnings[0]);
  return keys
    .map(({ id, scopes, namespaces }) => `${id} (${scopes.join(', ')}; namespaces ${namespaces.join(', ')})`)
    .join('; ');
}

async function describeExposure(settings: Settings): Promise<Finding> {
  const warnings = await exposureWarnings(settings, lookup);
  return warnings.length === 0 ? 'this machine alone can connect' : { detail: 'other machines can connect', warnings };
}

function describeTls(tls: Settings['tls']): Finding {
  const { certificates, warnings } = readCertificates(tls, systemClock.nowMs());
  const own = new X509Certificate(certificates?.cert ?? '');
  const names = own.subjectAltName ?? own.subject;
  const clients = tls.clientCa === undefined ? '' : `; client certificates are ${tls.clientCertificates}`;
  return { detail: `for ${names}, until ${own.validToDate.toISOString()}${clients}`, warnings };
}

/** Past half the tolerance of the wire protocol (section 2) a clock is on its way out. */
const CLOCK_TOLERANCE_SHARE = 0.5;

async function examineRunning(reply: PingReply, loaded: LoadedConfig | undefined, examine: Examine): Promise<void> {
  await examine('clock', () => {
    const aheadMs = systemClock.nowMs() - reply.server_time;
    const { maxSkewMs, maxAgeMs } = (loaded?.settings ?? defaultSettings()).protocol;
    const detail = differenceText(aheadMs);
    const toleratedMs = aheadMs >= 0 ? maxSkewMs : maxAgeMs;
    if (Math.abs(aheadMs) > toleratedMs * CLOCK_TOLERANCE_SHARE) throw clockFault(detail);
    return detail;
  });
  await examine('store', () => {
    if (!reply.healthy)
      throw new CommandError(
        'the server says that its store does not answer',
        "Look at the server's log and at its disk.",
      );
    return 'answers';
  });
  if (loaded === undefined) return;
  const { httpHost: host, httpPort: port } = loaded.settings.server;
  const tls = loaded.settings.tls.http ? localTls(loaded.settings.tls, reachable(host)) : undefined;
  await examine('http', async () => {
    if (port === 0) return ANY_PORT;
    const { status, phase, components } = await fetchHealth(host, port, tls);
    const all = Object.entries(components);
    const failed = all.find(([, component]) => component.status === 'unhealthy');
    if (failed !== undefined)
      throw new CommandError(`${failed[0]} ${failed[1].reason ?? 'failed'}`, "Look at the server's log.");
    const degraded = all.filter(([, component]) => component.status === 'degraded');
    return {
      detail: `the server is ${phase} and ${status}: ${all.map(([name]) => name).join(', ')}`,
      warnings: degraded.map(([name, { reason }]) => `${name} is degraded${reason === undefined ? '' : `: ${reason}`}`),
    };
  });
}

async function examineStopped(options: ClientOptions, loaded: LoadedConfig, examine: Examine): Promise<void> {
  const { server } = loaded.settings;
  // The port that was asked for; a host that was asked for may be another machine, where only its owner can look.
  const port = options.host === undefined ? (options.port ?? server.port) : server.port;
  await examine('port', () => probePort(server.host, port, 'server.port (SERVER__PORT)'));
  await examine('http port', () => probePort(server.httpHost, server.httpPort, 'server.http_port (SERVER__HTTP_PORT)'));
  const { driver, dataDir } = loaded.settings.vectorDb;
  let counts: LevelCounts | undefined;
  await examine('store', async () => {
    if (driver === 'memory') return 'contexts are kept in memory alone: they are gone when the server ends';
    checkDataFolder(dataDir);
    if (!existsSync(dataDir)) return `${checkWritable(dataDir)}, to be made at the first start`;
    const stray = strayIndexes(dataDir);
    counts = await countStored(loaded.settings);
    const stored = counts.immediate + counts.short_term + counts.long_term;
    return { detail: `${dataDir}: ${stored} contexts`, warnings: stored > 0 || stray === undefined ? [] : [stray] };
  });
  if (counts !== undefined) await examineLevels(loaded.settings, () => Promise.resolve(counts as LevelCounts), examine);
}

type LevelCounts = Readonly<Record<Level, number>>;

/** Nothing to say where every level is on. */
async function examineLevels({ hirag }: Settings, count: () => Promise<LevelCounts>, examine: Examine): Promise<void> {
  const { enabled } = new LevelPolicy(hirag);
  const off = LEVELS.filter((level) => !enabled.includes(level));
  if (off.length === 0) return;
  await examine('levels', async () => {
    const counts = await count();
    const lost = off.filter((level) => counts[level] > 0);
    if (lost.length === 0) return `off, and empty: ${off.join(', ')}`;
    throw new CommandError(
      `no query finds what is in a level that is switched off: ${lost.map((level) => `${counts[level]} in ${level}`).join(', ')}`,
      `Switch on ${lost.map((level) => `hirag.l${LEVELS.indexOf(level) + 1}_enabled`).join(', ')}, or move or delete these contexts.`,
    );
  });
}

/** Opens the data as the server would, and closes them. */
async function countStored(settings: Settings): Promise<LevelCounts> {
  const { vectorDb } = settings;
  const { dataDir } = vectorDb;
  checkWritable(dataDir);
  const { openStore } = await import('../drivers.ts');
  const { openServedEmbedding } = await import('../served-embedding.ts');
  const { provider } = await openServedEmbedding(settings, PARTS);
  await provider.close();
  const store = await openStore(vectorDb, { ...PARTS, embedding: provider });
  try {
    return (await store.stats()).counts;
  } finally {
    await store.close();
  }
}

/** The folder, or the nearest one above it that exists, can be written. */
function checkWritable(folder: string): string {
  const existing = nearestExisting(folder);
  try {
    accessSync(existing, constants.W_OK);
  } catch {
    throw new CommandError(
      `${existing} cannot be written by this user`,
      'Correct its permissions, or set vector_db.data_dir (VECTOR_DB__DATA_DIR).',
    );
  }
  return folder;
}
