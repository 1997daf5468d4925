import type { Settings } from '../config/settings.ts';
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

/** What the bounds follow from: a reply that fits a frame fits every door. */
type LimitSettings = Pick<Settings['protocol'], 'maxInFlightTotal' | 'maxFrameBytes' | 'maxBufferedBytes'>;

/** Tag, envelope and the heads around them. */
const AROUND_PAYLOAD_BYTES = 256;
/** A number takes nine bytes on the wire and may take four in the store: a page full of them grows to less than this. */
const GROWTH_ON_THE_WIRE_MAX = 3;
/** A page takes no more than this share of what may lie unread. */
const BUFFERED_PAGES = 4;

export function gateLimits({ maxInFlightTotal, maxFrameBytes, maxBufferedBytes }: LimitSettings): GateLimits {
  return {
    maxInFlightTotal,
    replyBytesMax: maxFrameBytes - AROUND_PAYLOAD_BYTES,
    listBytesMax: Math.floor(
      Math.min(LIST_PAGE_BYTES_MAX, maxFrameBytes / GROWTH_ON_THE_WIRE_MAX, maxBufferedBytes / BUFFERED_PAGES),
    ),
  };
}
