import type { Audit } from './audit.ts';
import type { CodedError } from '../base/errors.ts';
import type { FailedLogins } from '../base/failed-logins.ts';
import { LineRate } from '../base/line-rate.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import type { Origin } from './handlers/handler.ts';

export interface LoginReportDeps {
  readonly door: Exclude<Origin['door'], 'socket'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'count'>;
  readonly audit: Audit;
  /** Of all doors together. */
  readonly failedLogins: FailedLogins;
}

/** What a stranger says may be as long as a body. */
const KEY_CHARS_MAX = 128;

/** What the operator is told of logins: the same as of connections that authenticate at the socket. */
export class LoginReports {
  readonly #deps: LoginReportDeps;
  readonly #rate: LineRate;

  constructor(deps: LoginReportDeps) {
    this.#deps = deps;
    this.#rate = new LineRate(deps.clock);
  }

  succeeded(keyId: string, address: string): void {
    const { door, log } = this.#deps;
    log.info({ door, address, key: keyId }, 'logged in to the dashboard');
    this.#note(keyId, 'ok', { address });
  }

  /** Gives how long the answer is to wait, in milliseconds. */
  failed(claimedKeyId: string, address: string, { code, message }: CodedError): number {
    const { door, log, metrics, failedLogins } = this.#deps;
    metrics.count('auth_failures_total', { code });
    metrics.count('errors_total', { code });
    const delayMs = failedLogins.note(address);
    const passed = this.#rate.pass(code);
    if (passed === null) return delayMs;
    const key = claimedKeyId.slice(0, KEY_CHARS_MAX);
    const from = { address, ...passed };
    const delay = delayMs > 0 ? { delay_ms: delayMs } : {};
    log.warn({ door, ...from, key, code, reason: message, ...delay }, 'authentication failed');
    this.#note(key, code, from);
    return delayMs;
  }

  #note(key: string, outcome: string, from: object): void {
    const { audit, door } = this.#deps;
    if (audit.wants('admin')) audit.note({ key, type: 'auth', outcome, from: { door, ...from } });
  }
}
