import { FRAME_BYTES_MAX_DEFAULT } from '../../protocol/frame.ts';
import { LIST_PAGE_BYTES_MAX } from '../../store/store.ts';

/** Bounds of one connection and of the server; the wire protocol's defaults (sections 1 to 3). */
export interface ServerLimits {
  /** Longest frame either way after authentication. */
  readonly maxFrameBytes: number;
  /** From the first byte of a connection to its `welcome`. */
  readonly authTimeoutMs: number;
  /** How far in the past a timestamp may lie. */
  readonly maxAgeMs: number;
  /** How far in the future a timestamp may lie. */
  readonly maxSkewMs: number;
  /** Requests of one connection that run at a time; past it the socket is not read. */
  readonly maxInFlight: number;
  /** Requests of all connections that run at a time; past it `OVERLOADED`. */
  readonly maxInFlightTotal: number;
  /** Unread replies of one connection; past it `SLOW_CONSUMER`. */
  readonly maxBufferedBytes: number;
  /** Unread replies of one connection past which it is not read from. */
  readonly highWaterBytes: number;
  /** Unread replies of one connection and those expected of its running requests, past which no other is started. */
  readonly replyRoomBytes: number;
  /** Silence after which the server pings; three times as long, and it closes. */
  readonly heartbeatMs: number;
  /** How long a connection that is being closed may take to read what is left for it. */
  readonly closeGraceMs: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  maxFrameBytes: FRAME_BYTES_MAX_DEFAULT,
  authTimeoutMs: 5_000,
  maxAgeMs: 300_000,
  maxSkewMs: 30_000,
  maxInFlight: 256,
  maxInFlightTotal: 8_192,
  maxBufferedBytes: 64 * 1024 * 1024,
  highWaterBytes: 1024 * 1024,
  replyRoomBytes: 4 * 1024 * 1024,
  heartbeatMs: 30_000,
  closeGraceMs: 2_000,
};

/** Tag, envelope and the heads around them. */
const AROUND_PAYLOAD_BYTES = 256;

/** A number takes nine bytes on the wire and may take four in the store: a page full of them grows to less than this. */
const GROWTH_ON_THE_WIRE_MAX = 3;
/** A page takes no more than this share of what may lie unread. */
const BUFFERED_PAGES = 4;

/** What the payload of a reply may weigh, so that it fits a frame. */
export function replyPayloadBytesMax({ maxFrameBytes }: ServerLimits): number {
  return maxFrameBytes - AROUND_PAYLOAD_BYTES;
}

/** What a page of a list may weigh before it ends early. */
export function listBytesMax({ maxFrameBytes, maxBufferedBytes }: ServerLimits): number {
  return Math.floor(
    Math.min(LIST_PAGE_BYTES_MAX, maxFrameBytes / GROWTH_ON_THE_WIRE_MAX, maxBufferedBytes / BUFFERED_PAGES),
  );
}
