import { CodedError } from '../base/errors.ts';
import type { Call } from './call.ts';

/** Who waits for one request at a door. Of `reply` and `refuse` exactly one ends well, once. */
export interface Asker {
  /** It takes a while: until `settled` the call runs, and may be abandoned. */
  started(call: Call): void;
  /** What it throws where the reply cannot be told becomes the request's outcome; `refuse` tells that. */
  reply(payload: object): void;
  refuse(error: CodedError): void;
  settled(call: Call): void;
}

/** For a door that only wants the outcome: a value where it is there at once, else a promise. */
export class Answer implements Asker {
  #payload: object | null = null;
  #error: CodedError | null = null;
  #later: PromiseWithResolvers<object> | null = null;

  started(): void {
    this.#later = Promise.withResolvers();
  }

  reply(payload: object): void {
    if (this.#later === null) this.#payload = payload;
    else this.#later.resolve(payload);
  }

  refuse(error: CodedError): void {
    if (this.#later === null) this.#error = error;
    else this.#later.reject(error);
  }

  settled(): void {}

  outcome(): object | Promise<object> {
    if (this.#later !== null) return this.#later.promise;
    if (this.#payload !== null) return this.#payload;
    throw this.#error ?? new CodedError('INTERNAL', 'internal error');
  }
}
