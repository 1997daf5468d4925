/** Pieces from this length on are kept as they came; shorter ones are copied next to each other. */
const KEPT_BYTES_MIN = 16 * 1024;
const BLOCK_BYTES_MIN = 4 * 1024;
const BLOCK_BYTES_MAX = 64 * 1024;

/**
 * A frame that comes in pieces. It takes memory as its bytes come, whatever the length that its sender claims, and about
 * as much as has come, however small the pieces are.
 */
export class PartialFrame {
  readonly length: number;
  readonly #blocks: Uint8Array[] = [];
  /** The last block, while it has room. */
  #open: Buffer | null = null;
  #openFilled = 0;
  #filledBytes = 0;
  #bytes = 0;

  constructor(length: number) {
    this.length = length;
  }

  get filledBytes(): number {
    return this.#filledBytes;
  }

  get missingBytes(): number {
    return this.length - this.#filledBytes;
  }

  /** Memory that it takes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `piece` is no longer than what is missing; its bytes must not be changed afterwards. */
  add(piece: Uint8Array): void {
    let rest = piece;
    while (rest.length > 0) {
      if (this.#open === null && rest.length >= KEPT_BYTES_MIN) {
        this.#blocks.push(rest);
        this.#bytes += rest.length;
        this.#filledBytes += rest.length;
        return;
      }
      const open = this.#open ?? this.#openBlock();
      const count = Math.min(rest.length, open.length - this.#openFilled);
      open.set(rest.length === count ? rest : rest.subarray(0, count), this.#openFilled);
      this.#openFilled += count;
      this.#filledBytes += count;
      if (this.#openFilled === open.length) this.#open = null;
      rest = rest.subarray(count);
    }
  }

  /** All of it, once nothing is missing. */
  take(): Uint8Array {
    const [first] = this.#blocks;
    return first !== undefined && first.length === this.length ? first : Buffer.concat(this.#blocks, this.length);
  }

  #openBlock(): Buffer {
    const wanted = Math.min(BLOCK_BYTES_MAX, Math.max(BLOCK_BYTES_MIN, this.#filledBytes));
    const block = Buffer.allocUnsafeSlow(Math.min(this.missingBytes, wanted));
    this.#blocks.push(block);
    this.#bytes += block.length;
    this.#open = block;
    this.#openFilled = 0;
    return block;
  }
}
