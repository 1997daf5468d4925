import type { NamespaceSet } from '../../base/namespace-set.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Circuits } from '../../base/resilience/circuits.ts';
import type { CallOptions, GcOutcome, Memory } from '../../hirag/types.ts';
import type { RequestMonitor } from '../request-monitor.ts';
import type { SlowRequests } from '../slow-requests.ts';
import type { EraseInput } from '../../hirag/erasure/types.ts';
import type { Snapshot } from '../../store/snapshot/snapshot.ts';
import type { SnapshotKeeper } from '../../store/snapshot/snapshot-keeper.ts';
import type { RuleOf } from '../../protocol/message-table.ts';
import type { ReplyPayloads, RequestPayloads, RequestType } from '../../protocol/messages.generated.ts';

/** Scheduled work that a request may run by hand; the schedule's owner counts, logs and bounds it. */
export interface JobsByHand {
  /** Ends lifetimes that are over. */
  expirySweep(): Promise<GcOutcome>;
}

/** Copies of everything that is stored. */
export interface Snapshots extends Pick<SnapshotKeeper, 'create' | 'list' | 'holding' | 'remove' | 'idle'> {
  /** Puts another one, of the same moment and without what is erased, in its place. `BAD_REQUEST` where its store cannot. */
  rewrite(snapshot: Snapshot, input: EraseInput): Promise<Snapshot>;
}

/** What handlers work with; one for the whole server. */
export interface Services {
  readonly memory: Memory;
  readonly jobs: JobsByHand;
  readonly snapshots: Snapshots;
  /** Of the backends that the server asks. */
  readonly circuits: Circuits;
  readonly clock: Clock;
  /** On the monotonic clock. */
  readonly startedMs: number;
  /** Whether the store answers; a promise only where that is not known yet. */
  healthy(): boolean | Promise<boolean>;
  activeConnections(): number;
  /** The last requests that took long. */
  readonly slow: SlowRequests;
  /** Shows requests as they are answered. */
  readonly monitor: RequestMonitor;
  /** What the payload of a reply may weigh, in bytes. */
  readonly replyBytesMax: number;
  /** What a page of a list may weigh before it ends early, in bytes. */
  readonly listBytesMax: number;
  readonly log: Log;
}

/** Where a request came in: it stands in the log line of a failure, nowhere else. */
export interface Origin {
  readonly door: 'socket' | 'http' | 'gateway' | 'mcp';
  /** Number of the connection, at a door that has such. */
  readonly connection?: number;
  /** Of the client, as the system tells it. */
  readonly address?: string | undefined;
  /** The client's id of the request; null where it is not readable. */
  readonly request: number | string | null;
}

/** Who makes this call, and how long it may take. */
export interface HandlerCall {
  readonly origin: Origin;
  /** As the door knows the caller: the default of `agent_id`. */
  readonly sender: string;
  /** Those that the key sees. For what acts in each of them; a payload's own is checked already. */
  readonly namespaces: NamespaceSet;
  /** Whether the key has the scope `read`: for what is administration, and shows something of what is remembered. */
  readonly mayRead: boolean;
  /** Carries the client's deadline where there is one. */
  readonly options: CallOptions;
}

/** With the namespace that the gate resolved and permitted. */
export type InNamespace<T> = Omit<T, 'namespace'> & { readonly namespace: string };

/** A payload as it leaves the gate: checked, and in a namespace where its message acts in one. */
export type CheckedPayload<T extends RequestType> = RuleOf<T>['namespace'] extends 'payload'
  ? InNamespace<RequestPayloads[T]>
  : RuleOf<T> extends { readonly items: infer Items }
    ? {
        [Field in keyof RequestPayloads[T]]: Field extends Items
          ? EachInNamespace<RequestPayloads[T][Field]>
          : RequestPayloads[T][Field];
      }
    : RequestPayloads[T];

type EachInNamespace<List> = List extends readonly (infer Item)[] ? readonly InNamespace<Item>[] : never;

/** Payload in, payload out; checks nothing that the gate checks. What can answer at once does so without a promise. */
export type Handler<T extends RequestType> = (
  payload: CheckedPayload<T>,
  call: HandlerCall,
  services: Services,
) => ReplyPayloads[T] | Promise<ReplyPayloads[T]>;

export type Handlers = { readonly [T in RequestType]: Handler<T> };
