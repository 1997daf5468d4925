import { TEXT_CHARS_MAX } from '../../base/wire-limits.ts';
import { usageError } from './command-error.ts';
import type { Io } from './io.ts';

/** Of characters of at most four bytes each. */
const TEXT_BYTES_MAX = 4 * TEXT_CHARS_MAX;

/** All of standard input, without the line ends at its end. */
export async function readText(io: Io): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of io.stdin) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > TEXT_BYTES_MAX)
      throw usageError('the text is longer than one context may be (262,144 characters); split it');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)).trimEnd();
  } catch {
    throw usageError('standard input is not UTF-8; if it is Latin-1, convert it: iconv -f LATIN1 -t UTF-8');
  }
}
