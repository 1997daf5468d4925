import type { BodyMap } from '../protocol/codec.ts';
import type { Origin } from './handlers/handler.ts';
import type { Principal } from './principal.ts';
import type { TokenBucket } from '../base/token-bucket.ts';

/** A request as a door hands it in: decoded, its key authenticated, nothing else checked. */
export interface GateRequest {
  readonly type: string;
  /** The gate fills omitted namespaces in. */
  readonly payload: BodyMap;
  readonly principal: Principal;
  /** Of the address that it came from; absent or null: no limit. */
  readonly addressBucket?: TokenBucket | null;
  /** Who asks: the default of `agent_id`. */
  readonly sender: string;
  readonly origin: Origin;
  /** Length of its body; absent: the door knows none. */
  readonly bytes?: number;
  /** W3C Trace Context as the client sent it, for the log. */
  readonly traceparent?: unknown;
  /** On the monotonic clock; absent or null: the client waits as long as it takes. */
  readonly deadlineAtMs?: number | null;
  /** What it returns is not counted as accessed; absent: it is. */
  readonly isLook?: boolean;
  /** When the door began to look at it, on the monotonic clock; absent: now. */
  readonly startedMs?: number;
}
