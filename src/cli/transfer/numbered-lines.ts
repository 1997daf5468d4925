import { CommandError } from '../terminal/command-error.ts';
import { LineError } from './line.ts';

/** A line of the input, counted from 1 with every line, blank ones as well; or why it cannot be read. */
export interface NumberedLine {
  readonly number: number;
  readonly text: string | LineError;
}

/** Far above what one context can need; a conversation document may be one line of this length. */
export const LINE_BYTES_MAX = 64 * 1024 * 1024;
const LINE_BREAK = 10;
/** As many bytes as the longest mark below has. */
const MARK_BYTES = 4;

/**
 * Lines of UTF-8, with a byte order mark or without. A line that is too long or not UTF-8 is told as such, and the
 * next one is read; no more than one line is held. Throws `CommandError` where the whole input is something else.
 */
export async function* numberedLines(
  chunks: AsyncIterable<Uint8Array>,
  lineBytesMax = LINE_BYTES_MAX,
): AsyncGenerator<NumberedLine> {
  const line = new LineBytes(lineBytesMax);
  let number = 1;
  for await (const chunk of textChunks(chunks)) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_BREAK); end !== -1; end = chunk.indexOf(LINE_BREAK, start)) {
      line.add(chunk.subarray(start, end));
      yield { number, text: line.take() };
      number += 1;
      start = end + 1;
    }
    line.add(chunk.subarray(start));
  }
  if (!line.isEmpty) yield { number, text: line.take() };
}

class LineBytes {
  readonly #bytesMax: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  add(part: Uint8Array): void {
    this.#bytes += part.length;
    if (this.#bytes > this.#bytesMax) this.#parts = [];
    else this.#parts.push(part);
  }

  take(): string | LineError {
    const parts = this.#parts;
    const isTooLong = this.#bytes > this.#bytesMax;
    this.#parts = [];
    this.#bytes = 0;
    if (isTooLong) return new LineError(`is longer than ${this.#bytesMax / 1024 / 1024} MiB`);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
    } catch {
      return new LineError('is not UTF-8; if it is Latin-1, convert it: iconv -f LATIN1 -t UTF-8');
    }
  }
}

/** The chunks, after a look at how they begin. Throws `CommandError` where they are no text in UTF-8. */
export async function* textChunks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < MARK_BYTES) continue;
    refuseOther(head);
    yield head;
    head = undefined;
  }
  if (head === undefined) return;
  refuseOther(head);
  yield head;
}

/** First bytes of what is given to import in place of text; a JSON text in UTF-16 has a zero in its first two. */
const OTHERS: readonly { readonly starts: readonly number[]; readonly is: string; readonly remedy: string }[] = [
  { starts: [0x1f, 0x8b], is: 'compressed with gzip', remedy: 'Unpack it: zcat <file> | context-manager import -' },
  {
    starts: [0x28, 0xb5, 0x2f, 0xfd],
    is: 'compressed with zstd',
    remedy: 'Unpack it: zstdcat <file> | context-manager import -',
  },
  {
    starts: [0x42, 0x5a, 0x68],
    is: 'compressed with bzip2',
    remedy: 'Unpack it: bzcat <file> | context-manager import -',
  },
  {
    starts: [0x50, 0x4b, 0x03, 0x04],
    is: 'a zip archive',
    remedy: 'Unpack it: unzip -p <file> | context-manager import -',
  },
];
const UTF_16_REMEDY = 'Convert it: iconv -f UTF-16 -t UTF-8 <file> | context-manager import -';

function refuseOther(head: Buffer): void {
  for (const { starts, is, remedy } of OTHERS) {
    if (starts.every((byte, place) => head[place] === byte)) throw new CommandError(`the input is ${is}`, remedy);
  }
  const [first, second] = head;
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (isMarked || (head.length > 1 && (first === 0 || second === 0)))
    throw new CommandError('the input is UTF-16, not UTF-8', UTF_16_REMEDY);
}
