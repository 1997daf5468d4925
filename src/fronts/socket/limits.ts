import type { Settings } from '../../config/settings.ts';

/** Bounds that no operator needs to turn. */
export const FIXED_LIMITS = {
  /** Unread replies of one connection past which it is not read from. */
  highWaterBytes: 1024 * 1024,
  /** Unread replies of one connection and those expected of its running requests, past which no other is started. */
  replyRoomBytes: 4 * 1024 * 1024,
  /** How long a connection that is being closed may take to read what is left for it. */
  closeGraceMs: 2_000,
};

/** Bounds of one connection and of the server (wire protocol, sections 1 to 3). */
export type ServerLimits = Omit<Settings['protocol'], 'maxInFlightTotal'> & Readonly<typeof FIXED_LIMITS>;
