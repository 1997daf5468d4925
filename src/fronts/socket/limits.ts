import { FRAME_BYTES_MAX_DEFAULT } from '../../protocol/frame.ts';

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
  maxBufferedBytes: 64 * 1024 * 1024,
  highWaterBytes: 1024 * 1024,
  replyRoomBytes: 4 * 1024 * 1024,
  heartbeatMs: 30_000,
  closeGraceMs: 2_000,
};
