import type { Audit } from './api/audit.ts';
import type { Gate } from './api/gate.ts';
import type { KeyChanges, KeyRing } from './api/key-ring.ts';
import type { Certificates } from './base/certificates.ts';
import { StartupError } from './base/errors.ts';
import type { FailedLogins, SlowdownRules } from './base/failed-logins.ts';
import type { Metrics } from './base/metrics.ts';
import type { RateLimit } from './base/token-bucket.ts';
import type { KeySettings } from './config/keys.ts';
import type { Settings } from './config/settings.ts';
import { checkSchedule, snapshotSchedule } from './config/schedules.ts';
import type { Gateway } from './fronts/gateway/gateway.ts';
import { checkTokens } from './fronts/gateway/tokens.ts';
import type { HttpListener } from './fronts/http/http.ts';
import type { AddressLimits, Addresses } from './fronts/socket/addresses.ts';
import type { Listener } from './fronts/socket/listener.ts';
import { isCronExpression } from './jobs/schedule.ts';

export interface ServerSetup {
  readonly settings: Settings;
  readonly keys: readonly KeySettings[];
  /** Absent or null: nothing is encrypted. */
  readonly certificates?: Certificates | null;
}

/** The parts of a running server that settings are changed in. */
export interface LiveParts {
  readonly keys: KeyRing;
  readonly addresses: Addresses;
  readonly failedLogins: FailedLogins;
  readonly listener: Listener;
  readonly http: Pick<HttpListener, 'changeCertificates'>;
  readonly gate: Gate;
  readonly audit: Audit;
  readonly metrics: Metrics;
  /** Null: it is switched off. */
  readonly gateway: Gateway | null;
}

/** Takes over what `read` gives, or nothing where that or it throws: then the server goes on as before. */
export function reload(parts: LiveParts, read: () => ServerSetup): KeyChanges {
  const { audit, metrics } = parts;
  try {
    const changes = change(parts, read());
    metrics.count('reloads_total', { outcome: 'ok' });
    note(audit, 'ok', changes);
    return changes;
  } catch (error) {
    metrics.count('reloads_total', { outcome: 'failed' });
    note(audit, 'failed');
    throw error;
  }
}

function change(parts: LiveParts, setup: ServerSetup): KeyChanges {
  const { keys, addresses, failedLogins, listener, http, gate, gateway } = parts;
  const { settings, certificates = null } = setup;
  const { protocol, logging, server } = settings;
  checkSchedules(settings);
  // What may still be refused comes first: after it nothing fails.
  if (gateway !== null) checkTokens(settings.gateway, setup.keys);
  const changes = keys.replace(limitedKeys(setup));
  gateway?.change(settings.gateway);
  addresses.change(addressLimits(settings));
  failedLogins.rules = slowdownRules(settings);
  if (certificates !== null) {
    listener.certificates = certificates;
    http.changeCertificates(certificates);
    gateway?.changeCertificates(certificates);
  }
  listener.keysChanged();
  listener.maxConnections = server.maxConnections;
  gate.change({ maxInFlightTotal: protocol.maxInFlightTotal, slowRequestMs: logging.slowRequestMs });
  return changes;
}

/** Keys are named, as the audit log names them everywhere. */
function note(audit: Audit, outcome: 'ok' | 'failed', changes?: KeyChanges): void {
  if (!audit.wants('admin')) return;
  const keys =
    changes === undefined
      ? {}
      : { keys_added: changes.added, keys_removed: changes.removed, keys_changed: changes.changed };
  audit.note({ key: '', type: 'reload', outcome, from: { door: 'signal', ...keys } });
}

/** Throws `StartupError` where a cron expression is none. */
export function checkSchedules(settings: Settings): void {
  const { hirag } = settings;
  if (hirag.gcSchedule !== undefined)
    checkCron('hirag.gc_schedule', hirag.gcSchedule, '"*/5 * * * *" (every five minutes)');
  const snapshots = snapshotSchedule(settings);
  if (snapshots !== undefined) checkCron('snapshots.schedule', snapshots, '"0 3 * * *" (daily at three)');
  const check = checkSchedule(settings);
  if (check !== undefined) checkCron('vector_db.check_schedule', check, '"30 4 * * 0" (on Sundays at half past four)');
}

function checkCron(setting: string, expression: string, example: string): void {
  if (isCronExpression(expression)) return;
  throw new StartupError(`\`${setting}\` is not a cron expression: ${expression}`, `Write it as ${example}.`);
}

/** Keys without a rate of their own have that of `rate_limit`. */
export function limitedKeys({ keys, settings }: ServerSetup): KeySettings[] {
  const rate = defaultRate(settings);
  return keys.map((key) => (rate === null || key.rateLimit !== undefined ? key : { ...key, rateLimit: rate }));
}

export function addressLimits(settings: Settings): AddressLimits {
  return { maxConnections: settings.server.maxConnectionsPerAddress, requests: defaultRate(settings) };
}

export function slowdownRules({ rateLimit }: Settings): SlowdownRules {
  return { perMinute: rateLimit.authFailuresPerMinute, delayMsMax: rateLimit.maxAuthDelayMs };
}

/** What a key without a rate of its own, and each address, may ask for; null: anything. */
function defaultRate({ rateLimit: { enabled, requestsPerMinute, burstSize } }: Settings): RateLimit | null {
  return enabled ? { perSecond: requestsPerMinute / 60, burst: burstSize } : null;
}
