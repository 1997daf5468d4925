import type { Audit } from '../../api/audit.ts';
import type { CodedError } from '../../base/errors.ts';
import type { FailedLogins } from '../../base/failed-logins.ts';
import type { LineRate } from '../../base/line-rate.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { Session } from './handshake.ts';
import type { Peer } from './request-asker.ts';

export interface ReportDeps {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly audit: Audit;
  /** Of all doors together. */
  readonly failedLogins: FailedLogins;
  /** Of all connections together. */
  readonly rate: LineRate;
}

/** What a stranger says may be as long as his frame. */
const KEY_CHARS_MAX = 128;

/** What the operator is told of one connection: lines of the log, entries of the audit log, and counts. */
export class ConnectionReports {
  readonly #from: { readonly connection: number; readonly address?: string };
  readonly #deps: ReportDeps;

  constructor({ number: connection, address }: Peer, deps: ReportDeps) {
    this.#from = { connection, ...(address === undefined ? {} : { address }) };
    this.#deps = deps;
  }

  authenticated({ id, principal, client }: Session): void {
    const { log, audit } = this.#deps;
    log.debug({ ...this.#from, key: principal.keyId, session: id, client }, 'authenticated');
    this.#note(audit, principal.keyId, 'ok');
  }

  /** The connection is told so and closed. */
  failed(error: CodedError): void {
    const { log, metrics, rate } = this.#deps;
    metrics.count('errors_total', { code: error.code });
    const passed = rate.pass(error.code);
    if (passed === null) return;
    const fields = { ...this.#from, ...passed, code: error.code };
    if (error.code === 'INTERNAL') log.error({ ...fields, error: error.cause ?? error }, 'connection failed');
    else log.info({ ...fields, reason: error.message }, 'connection refused');
  }

  /**
   * The same before it had authenticated; `claimedKeyId`: who it said that it is. Gives how long it is to wait for its answer, in
   * milliseconds.
   */
  notAuthenticated(error: CodedError, claimedKeyId: string | null): number {
    const { metrics } = this.#deps;
    metrics.count('auth_failures_total', { code: error.code });
    if (error.code === 'INTERNAL' || error.code === 'SHUTTING_DOWN') {
      this.failed(error);
      return 0;
    }
    metrics.count('errors_total', { code: error.code });
    const delayMs = this.#delayOf(error);
    this.#tellNotAuthenticated(error, claimedKeyId?.slice(0, KEY_CHARS_MAX) ?? '', delayMs);
    return delayMs;
  }

  /** Other codes say nothing of a key, or come after it was proven. */
  #delayOf({ code }: CodedError): number {
    const { address } = this.#from;
    return code === 'AUTH_FAILED' && address !== undefined ? this.#deps.failedLogins.note(address) : 0;
  }

  #tellNotAuthenticated({ code, message }: CodedError, key: string, delayMs: number): void {
    const { log, rate, audit } = this.#deps;
    const passed = rate.pass(`handshake ${code}`);
    if (passed === null) return;
    const delay = delayMs > 0 ? { delay_ms: delayMs } : {};
    log.warn({ ...this.#from, ...passed, key, code, reason: message, ...delay }, 'authentication failed');
    this.#note(audit, key, code, passed);
  }

  fellSilent(): void {
    this.#deps.log.debug({ ...this.#from }, 'peer fell silent');
  }

  streamFailed(error: Error): void {
    this.#deps.log.debug({ ...this.#from, reason: error.message }, 'stream failed');
  }

  /** As often as the log says it: a stranger fills neither. */
  #note(audit: Audit, key: string, outcome: string, more: object = {}): void {
    if (audit.wants('admin'))
      audit.note({ key, type: 'auth', outcome, from: { door: 'socket', ...this.#from, ...more } });
  }
}
