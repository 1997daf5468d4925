import type { Asker } from './asker.ts';
import type { Call } from './call.ts';
import type { CodedError } from '../base/errors.ts';

/** A request of somebody who may go away before it is answered. */
export class PendingRequest implements Asker {
  readonly #outcome = Promise.withResolvers<object>();
  #call: Call | null = null;
  #isGone = false;

  get outcome(): Promise<object> {
    return this.#outcome.promise;
  }

  /** Nobody waits for it any more. */
  abandon(): void {
    this.#isGone = true;
    this.#call?.abandon();
  }

  started(call: Call): void {
    this.#call = call;
    if (this.#isGone) call.abandon();
  }

  reply(payload: object): void {
    this.#outcome.resolve(payload);
  }

  refuse(error: CodedError): void {
    this.#outcome.reject(error);
  }

  settled(): void {
    this.#call = null;
  }
}
