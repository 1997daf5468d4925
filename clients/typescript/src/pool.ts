import type { Duplex } from 'node:stream';
import type { Clock } from '../../../src/base/clock.ts';
import type { Random } from '../../../src/base/random.ts';
import { type Address, addressText, type Attempt, noneConnected } from './addresses.ts';
import type { Call } from './call.ts';
import { connectFailed, notInTime, type Progress } from './connect-failures.ts';
import { Connection, type ConnectionEvents, type ConnectionOptions } from './connection.ts';
import { ContextManagerError } from './errors.ts';
import type { Announce } from './events.ts';
import { backoffMs, type BackoffOptions } from './retry.ts';

export interface PoolOptions extends Omit<ConnectionOptions, 'address'> {
  /** Of servers over the same memory; at least one. */
  readonly addresses: readonly Address[];
  readonly size: number;
  readonly connectTimeoutMs: number;
  readonly reconnect: BackoffOptions;
}

export interface PoolDeps {
  /** A new stream to the server there, connected or about to be. */
  readonly openStream: (address: Address) => Duplex;
  readonly clock: Clock;
  readonly random: Random;
  /** Tells whoever listens to the client. */
  readonly announce: Announce;
}

export interface PoolEvents extends Omit<ConnectionEvents, 'onReady' | 'onDraining'> {
  onReady(): void;
  /** Attempts to connect failed, at every address. */
  onConnectFailed(error: ContextManagerError): void;
}

/** A connection that lived so long was a good one: the next attempt starts the backoff anew. */
const STEADY_MS = 5_000;

/** One place in the pool: it has a connection, is making one, or waits to try again. */
interface Slot {
  ready: Connection | null;
  opening: Connection | null;
  readyAtMs: number;
  /** Of the address that it has, or tries. */
  place: number;
  /** Addresses that failed since the last pause, or since a connection was a good one. */
  failed: Attempt[];
  /** Pauses since a connection was a good one. */
  failures: number;
  /** By the monotonic clock, when its connection was lost; null: it has one, or never had. */
  lostAtMs: number | null;
  /** Attempts since then. */
  attempts: number;
  /** Undoes the timer of the attempt or of the pause. */
  cancelTimer: (() => void) | null;
}

/** Keeps `size` connections. Each goes by itself from one address to the next where it fails or is lost. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #deps: PoolDeps;
  readonly #events: PoolEvents;
  readonly #slots: Slot[];
  /** Told to go away by the server, with calls still in flight. */
  readonly #retiring = new Set<Connection>();
  #closed = false;
  /** What the server last said that the key may use. */
  namespaces: readonly string[] = [];

  constructor(options: PoolOptions, deps: PoolDeps, events: PoolEvents) {
    this.#options = options;
    this.#deps = deps;
    this.#events = events;
    this.#slots = Array.from({ length: options.size }, () => ({
      ready: null,
      opening: null,
      readyAtMs: 0,
      place: 0,
      failed: [],
      failures: 0,
      lostAtMs: null,
      attempts: 0,
      cancelTimer: null,
    }));
  }

  start(): void {
    for (const slot of this.#slots) this.#open(slot);
  }

  /** The connection with the fewest calls in flight that takes one more. */
  pick(): Connection | null {
    let best: Connection | null = null;
    for (const { ready } of this.#slots) {
      if (ready !== null && ready.hasRoom && (best === null || ready.inFlightCount < best.inFlightCount)) best = ready;
    }
    return best;
  }

  /** Calls in flight, on every connection. */
  *calls(): Generator<Call> {
    for (const { ready } of this.#slots) if (ready !== null) yield* ready.calls();
    for (const connection of this.#retiring) yield* connection.calls();
  }

  get inFlightCount(): number {
    let count = 0;
    for (const { ready } of this.#slots) count += ready?.inFlightCount ?? 0;
    for (const connection of this.#retiring) count += connection.inFlightCount;
    return count;
  }

  /** Whether a connection is there that takes calls. */
  get isReady(): boolean {
    return !this.#closed && this.#slots.some(({ ready }) => ready !== null);
  }

  /** Whether a connection is there or being made just now. */
  get isHopeful(): boolean {
    return this.#slots.some(({ ready, opening }) => ready !== null || opening !== null);
  }

  /** Ends every connection; those with calls in flight first finish them. */
  close(): void {
    this.#closed = true;
    for (const slot of this.#slots) {
      slot.cancelTimer?.();
      slot.opening?.destroy(closedError());
      slot.ready?.drain();
    }
  }

  destroy(): void {
    this.close();
    for (const { ready } of this.#slots) ready?.destroy(closedError());
    for (const connection of this.#retiring) connection.destroy(closedError());
  }

  #open(slot: Slot): void {
    const { openStream, clock, random } = this.#deps;
    const address = this.#options.addresses[slot.place] as Address;
    const stream = openStream(address);
    const options = { ...this.#options, address: addressText(address) };
    const connection = new Connection(stream, options, clock, random, {
      ...this.#events,
      onReady: () => this.#onReady(slot, connection),
      onDraining: () => this.#onDraining(slot, connection),
      onClosed: (closed, error, unanswered, unsent) => {
        this.#onClosed(slot, connection, error);
        this.#events.onClosed(closed, error, unanswered, unsent);
      },
    });
    slot.opening = connection;
    slot.attempts += 1;
    slot.cancelTimer = clock.after(this.#options.connectTimeoutMs, () => {
      connection.destroy(notInTime(progressOf(stream, connection), this.#options.connectTimeoutMs));
    });
  }

  #onReady(slot: Slot, connection: Connection): void {
    slot.cancelTimer?.();
    slot.cancelTimer = null;
    slot.opening = null;
    slot.ready = connection;
    slot.readyAtMs = this.#deps.clock.monotonicMs();
    this.namespaces = connection.namespaces;
    this.#announceReady(slot, connection);
    this.#events.onReady();
    this.#events.onRoom();
  }

  #onDraining(slot: Slot, connection: Connection): void {
    if (slot.ready !== connection) return;
    this.#retiring.add(connection);
    this.#lose(slot);
    this.#reopen(slot, shutsDown(connection));
  }

  #onClosed(slot: Slot, connection: Connection, error: ContextManagerError): void {
    const { announce } = this.#deps;
    if (this.#retiring.delete(connection)) return this.#announceClose(connection, shutsDown(connection));
    if (slot.opening === connection) {
      slot.opening = null;
      slot.cancelTimer?.();
      const attempt = connectFailed(connection.address, error);
      if (!this.#closed) announce('error', attempt, { address: connection.address });
      const failure = this.#reopen(slot, attempt);
      if (failure !== null) this.#events.onConnectFailed(failure);
    } else if (slot.ready === connection) {
      this.#lose(slot);
      if (!this.#closed) announce('error', error, { address: connection.address });
      this.#announceClose(connection, error);
      this.#reopen(slot, error);
    }
  }

  #lose(slot: Slot): void {
    slot.ready = null;
    slot.lostAtMs = this.#deps.clock.monotonicMs();
    slot.attempts = 0;
  }

  #announceReady(slot: Slot, { address, server }: Connection): void {
    const { announce, clock } = this.#deps;
    announce('connect', { address, server });
    if (slot.lostAtMs === null) return;
    const downMs = Math.round(clock.monotonicMs() - slot.lostAtMs);
    announce('reconnect', { address, server, downMs, attempts: slot.attempts });
    slot.lostAtMs = null;
  }

  #announceClose({ address, server }: Connection, error: ContextManagerError): void {
    const why = this.#closed ? {} : { error };
    this.#deps.announce('close', { address, server, ...why, reconnecting: !this.#closed });
  }

  /** At the next address at once; after a pause where all of them failed, of which what is returned tells. */
  #reopen(slot: Slot, error: ContextManagerError): ContextManagerError | null {
    const { addresses, reconnect } = this.#options;
    const { clock, random } = this.#deps;
    if (slot.readyAtMs > 0 && clock.monotonicMs() - slot.readyAtMs >= STEADY_MS) {
      slot.failures = 0;
      slot.failed = [];
    }
    slot.readyAtMs = 0;
    slot.failed.push({ address: addressText(addresses[slot.place] as Address), error });
    slot.place = (slot.place + 1) % addresses.length;
    const isOver = slot.failed.length >= addresses.length;
    const failure = isOver ? noneConnected(slot.failed) : null;
    if (this.#closed) return failure;
    if (!isOver) {
      this.#open(slot);
      return null;
    }
    slot.failed = [];
    slot.failures += 1;
    slot.cancelTimer = clock.after(backoffMs(reconnect, slot.failures, random), () => this.#open(slot));
    return failure;
  }
}

function progressOf(stream: Duplex, connection: Connection): Progress {
  if ('connecting' in stream && stream.connecting === true) return 'no_answer';
  if ('secureConnecting' in stream && stream.secureConnecting === true) return 'no_tls';
  return connection.isGreeted ? 'no_welcome' : 'no_greeting';
}

function shutsDown({ address }: Connection): ContextManagerError {
  return new ContextManagerError('SHUTTING_DOWN', `the server at ${address} shuts down`, {
    retryable: true,
    details: { address },
  });
}

function closedError(): ContextManagerError {
  return new ContextManagerError('CLOSED', 'the client was closed');
}
