import { EventEmitter } from 'node:events';
import { ContextManagerError } from './errors.ts';

/** A connection is there: authenticated, and taking calls. */
export interface ConnectEvent {
  /** Where the server is, as `host:port`. */
  readonly address: string;
  /** What the server says it is, as `context-manager/0.1.0`. */
  readonly server: string;
}

/** A connection is there in place of one that was lost. */
export interface ReconnectEvent extends ConnectEvent {
  /** How long there was none in its place, in milliseconds. */
  readonly downMs: number;
  /** Attempts that it took, at whichever address; at least 1. */
  readonly attempts: number;
}

/** A connection that was there has ended. */
export interface CloseEvent extends ConnectEvent {
  /** Why: `SHUTTING_DOWN` where the server said that it goes away. Absent: this client closed it. */
  readonly error?: ContextManagerError;
  /** True: another one is being made in its place. */
  readonly reconnecting: boolean;
}

/** What an `error` is about. */
export interface ErrorEvent {
  /** Where the server is, as `host:port`. */
  readonly address: string;
}

/** What a client tells its listeners, by the names of the events. */
export interface ClientEvents {
  /** Each connection of the pool, the first one as well: whoever listens as soon as `connect` resolves hears of it. */
  connect: [event: ConnectEvent];
  /** Right after the `connect` of a connection that takes the place of a lost one. */
  reconnect: [event: ReconnectEvent];
  /** A connection ended, whoever ended it. */
  close: [event: CloseEvent];
  /** An attempt to connect failed, or a connection was lost (its `close` follows). Nobody has to listen. */
  error: [error: ContextManagerError, event: ErrorEvent];
}

/** The events that there are. */
export type ClientEventName = keyof ClientEvents;
/** What is called with an event. What it throws is thrown to nobody: it ends the process as in any callback. */
export type ClientListener<Name extends ClientEventName> = (...event: ClientEvents[Name]) => void;

/** Tells the listeners of an event. */
export type Announce = <Name extends ClientEventName>(name: Name, ...event: ClientEvents[Name]) => void;

const NAMES: readonly string[] = ['connect', 'reconnect', 'close', 'error'] satisfies ClientEventName[];

/** The listeners of one client. */
export class ListenerBook {
  readonly #emitter = new EventEmitter();

  /**
   * Calls the listeners in a turn of their own: none runs in the middle of a change, what one throws keeps no other
   * from being called, and whoever just awaited `connect` has had time to listen.
   */
  readonly announce: Announce = (name, ...event) => {
    setImmediate(() => {
      // An emitter throws an error that nobody listens to.
      if (this.#emitter.listenerCount(name) > 0) this.#emitter.emit(name, ...event);
    });
  };

  add<Name extends ClientEventName>(name: Name, listener: ClientListener<Name>, times: 'once' | 'always'): void {
    check(times === 'once' ? 'once' : 'on', name, listener);
    if (times === 'once') this.#emitter.once(name, listener);
    else this.#emitter.on(name, listener);
  }

  remove<Name extends ClientEventName>(name: Name, listener: ClientListener<Name>): void {
    check('off', name, listener);
    this.#emitter.off(name, listener);
  }
}

/** Throws `BAD_REQUEST`: a listener of an event that never comes would be waited for in vain. */
function check(method: string, name: unknown, listener: unknown): void {
  if (typeof name !== 'string' || !NAMES.includes(name))
    throw refused(method, '/event', `the event must be one of ${NAMES.join(', ')}`);
  if (typeof listener !== 'function') throw refused(method, '/listener', 'the listener must be a function');
}

function refused(method: string, field: string, message: string): ContextManagerError {
  return new ContextManagerError('BAD_REQUEST', `${method}: ${message}`, {
    details: { fields: [{ field, reason: message }] },
  });
}
