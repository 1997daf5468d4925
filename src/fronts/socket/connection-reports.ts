import type { CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { Session } from './handshake.ts';

/** What the operator is told of one connection: lines of the log, and counts. */
export class ConnectionReports {
  readonly #connection: number;
  readonly #log: Log;
  readonly #metrics: Metrics;

  constructor(connection: number, { log, metrics }: { readonly log: Log; readonly metrics: Metrics }) {
    this.#connection = connection;
    this.#log = log;
    this.#metrics = metrics;
  }

  authenticated({ id, principal, client }: Session): void {
    this.#log.debug({ connection: this.#connection, key: principal.keyId, session: id, client }, 'authenticated');
  }

  /** It is told so and closed; `isHandshake`: before it had authenticated. */
  failed(error: CodedError, isHandshake: boolean): void {
    const fields = { connection: this.#connection, code: error.code };
    if (error.code === 'INTERNAL') this.#log.error({ ...fields, error: error.cause ?? error }, 'connection failed');
    else this.#log.info({ ...fields, reason: error.message }, 'connection refused');
    this.#metrics.count('errors_total', { code: error.code });
    if (isHandshake) this.#metrics.count('auth_failures_total', { code: error.code });
  }

  fellSilent(): void {
    this.#log.debug({ connection: this.#connection }, 'peer fell silent');
  }

  streamFailed(error: Error): void {
    this.#log.debug({ connection: this.#connection, reason: error.message }, 'stream failed');
  }
}
