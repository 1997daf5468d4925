import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Gate } from '../../../api/gate.ts';
import type { TokenBucket } from '../../../base/token-bucket.ts';
import type { Clock } from '../../../base/clock.ts';
import { badRequest, CodedError } from '../../../base/errors.ts';
import { messageRule } from '../../../protocol/message-table.ts';
import { PendingRequest } from '../../../api/pending-request.ts';
import type { Login } from './logins.ts';

export interface RequestDoorDeps {
  readonly gate: Gate;
  readonly clock: Clock;
  /** Of an address; null: no limit. */
  readonly addressBucket: (address: string) => TokenBucket | null;
}

/** Whoever looks at the dashboard: `agent_id` where a request names none. */
const SENDER = 'dashboard';
/** A page waits no longer. */
const DEADLINE_MS = 30_000;
/** Requests with a body and a reply in memory at a time. */
const RUNNING_MAX = 16;
/** After the deadline: a reply that is not read by then is cut off. */
const UNREAD_MS_MAX = 30_000;
const OVERLOAD_RETRY_MS = 250;
/** What only administrators ask, and changes nothing. */
const ADMIN_READS: ReadonlySet<string> = new Set(['admin.snapshots', 'admin.slowlog']);

/** The dashboard shows and changes nothing. */
export function isReading(type: string, payload: Readonly<Record<string, unknown>>): boolean {
  if (type === 'admin.slowlog' && (payload['reset'] ?? false) !== false) return false;
  return messageRule(type)?.scope === 'read' || ADMIN_READS.has(type);
}

/** Brings the requests of browsers to the gate. */
export class RequestDoor {
  readonly #deps: RequestDoorDeps;
  /** Of each reply what is asked for it: there may be hundreds in turn. */
  readonly #asking = new WeakMap<ServerResponse, Set<PendingRequest>>();
  #running = 0;
  #accepted = 0;

  constructor(deps: RequestDoorDeps) {
    this.#deps = deps;
  }

  /** Takes one of few places until the reply has left; throws `OVERLOADED` where there is none. */
  enter({ raw }: FastifyReply): void {
    if (this.#running >= RUNNING_MAX) {
      throw new CodedError('OVERLOADED', 'the dashboard works on as many requests as it may', {
        retryAfterMs: OVERLOAD_RETRY_MS,
      });
    }
    this.#running += 1;
    const cancel = this.#deps.clock.after(DEADLINE_MS + UNREAD_MS_MAX, () => raw.destroy());
    const asking = new Set<PendingRequest>();
    this.#asking.set(raw, asking);
    raw.once('close', () => {
      cancel();
      this.#running -= 1;
      for (const asker of asking) asker.abandon();
    });
  }

  /** The wire's result, for a reply that has a place. Rejects with what the gate refuses. */
  ask(
    type: string,
    payload: Record<string, unknown>,
    { principal }: Login,
    { socket }: FastifyRequest,
    { raw }: FastifyReply,
  ): Promise<object> {
    const { gate, clock, addressBucket } = this.#deps;
    this.#accepted += 1;
    const startedMs = clock.monotonicMs();
    const address = socket.remoteAddress;
    const asker = new PendingRequest();
    const asking = this.#asking.get(raw);
    asking?.add(asker);
    if (raw.destroyed) asker.abandon();
    gate.serve(
      {
        type,
        payload: withBytes(payload),
        principal,
        addressBucket: addressBucket(address ?? ''),
        sender: SENDER,
        origin: { door: 'http', address, request: this.#accepted },
        deadlineAtMs: startedMs + DEADLINE_MS,
        isLook: true,
        startedMs,
      },
      asker,
    );
    return asker.outcome.finally(() => asking?.delete(asker));
  }
}

/** JSON has no bytes: what the wire wants as such comes as base64. */
function withBytes(payload: Record<string, unknown>): Record<string, unknown> {
  const { embedding } = payload;
  if (typeof embedding !== 'string') return payload;
  const bytes = Buffer.from(embedding, 'base64');
  if (bytes.toString('base64') !== embedding) throw badRequest('/embedding', 'must be base64');
  return { ...payload, embedding: new Uint8Array(bytes) };
}
