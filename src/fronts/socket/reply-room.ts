import type { ServerLimits } from './limits.ts';

type Bounds = Pick<ServerLimits, 'highWaterBytes' | 'replyRoomBytes' | 'maxBufferedBytes'>;

/** Whether a connection has room for another reply: what is expected counts like what is there, as all of it may come at once. */
export class ReplyRoom {
  readonly #highWaterBytes: number;
  readonly #roomBytes: number;
  #expectedBytes = 0;

  /** `drainBytes`: below it the stream tells of no `drain` after which reading could be taken up again. */
  constructor({ highWaterBytes, replyRoomBytes, maxBufferedBytes }: Bounds, drainBytes: number) {
    this.#highWaterBytes = Math.max(Math.min(highWaterBytes, maxBufferedBytes / 2), drainBytes);
    this.#roomBytes = Math.max(Math.min(replyRoomBytes, maxBufferedBytes / 2), this.#highWaterBytes);
  }

  /** A request is running whose reply may weigh so much. */
  expect(bytes: number): void {
    this.#expectedBytes += bytes;
  }

  /** It is answered, and its reply counts as what is unread. */
  cameOf(bytes: number): void {
    this.#expectedBytes -= bytes;
  }

  /** `unreadBytes`: replies that the client has not taken. */
  isLeft(unreadBytes: number): boolean {
    return unreadBytes <= this.#highWaterBytes && unreadBytes + this.#expectedBytes <= this.#roomBytes;
  }
}
