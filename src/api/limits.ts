import { FRAME_BYTES_MAX_DEFAULT } from '../protocol/frame.ts';
import { LIST_PAGE_BYTES_MAX } from '../store/store.ts';

/** Bounds that hold whichever door a request came by. */
export interface GateLimits {
  /** Requests that run at a time; past it `OVERLOADED`. */
  readonly maxInFlightTotal: number;
  /** What the payload of a reply may weigh, in bytes. */
  readonly replyBytesMax: number;
  /** What a page of a list may weigh before it ends early, in bytes. */
  readonly listBytesMax: number;
}

/** What the bounds follow from; what is left out keeps the wire protocol's default. */
export interface GateLimitSettings {
  readonly maxInFlightTotal?: number;
  /** Longest frame: a reply that fits it fits every door. */
  readonly maxFrameBytes?: number;
  /** Replies of one connection that may lie unread. */
  readonly maxBufferedBytes?: number;
}

const IN_FLIGHT_TOTAL_DEFAULT = 8_192;
const BUFFERED_BYTES_DEFAULT = 64 * 1024 * 1024;

/** Tag, envelope and the heads around them. */
const AROUND_PAYLOAD_BYTES = 256;
/** A number takes nine bytes on the wire and may take four in the store: a page full of them grows to less than this. */
const GROWTH_ON_THE_WIRE_MAX = 3;
/** A page takes no more than this share of what may lie unread. */
const BUFFERED_PAGES = 4;

export function gateLimits(settings: GateLimitSettings = {}): GateLimits {
  const { maxFrameBytes = FRAME_BYTES_MAX_DEFAULT, maxBufferedBytes = BUFFERED_BYTES_DEFAULT } = settings;
  return {
    maxInFlightTotal: settings.maxInFlightTotal ?? IN_FLIGHT_TOTAL_DEFAULT,
    replyBytesMax: maxFrameBytes - AROUND_PAYLOAD_BYTES,
    listBytesMax: Math.floor(
      Math.min(LIST_PAGE_BYTES_MAX, maxFrameBytes / GROWTH_ON_THE_WIRE_MAX, maxBufferedBytes / BUFFERED_PAGES),
    ),
  };
}
