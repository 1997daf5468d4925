import { conversationLines, isConversation } from './conversation.ts';
import { checkLine, LineError, type ImportLine } from './line.ts';

/** One thing to import, or why it cannot be, with its line (or turn) number from 1. */
export interface SourceItem {
  readonly place: number;
  readonly content: ImportLine | LineError;
}

/** Far above what one context can need; a conversation document may be one line of this length. */
const LINE_BYTES_MAX = 64 * 1024 * 1024;

/** Lines of JSON, or one JSON document with `turns`, whichever the input turns out to be. */
export async function* readItems(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SourceItem> {
  const lines = splitLines(chunks);
  let place = 0;
  let first = true;
  for (;;) {
    const next = await lines.next();
    if (next.done) return;
    place += 1;
    const line = next.value.trim();
    if (line === '') continue;
    const parsed = parseJson(line);
    if (isConversation(parsed)) {
      yield* turnItems(parsed);
      continue;
    }
    if (parsed === undefined && first && line.startsWith('{')) {
      // A document may be spread over many lines: only all of it tells.
      const text = await rest(line, lines);
      const document = parseJson(text);
      yield* isConversation(document) ? turnItems(document) : lineItems(text.split('\n'));
      return;
    }
    first = false;
    yield lineItem(parsed, place);
  }
}

function* turnItems(document: { readonly turns: readonly unknown[] }): Generator<SourceItem> {
  let place = 0;
  for (const content of conversationLines(document)) {
    place += 1;
    yield { place, content: content instanceof Error ? new LineError(content.message) : content };
  }
}

function* lineItems(lines: readonly string[]): Generator<SourceItem> {
  for (const [index, line] of lines.entries()) {
    if (line.trim() !== '') yield lineItem(parseJson(line), index + 1);
  }
}

function lineItem(parsed: unknown, place: number): SourceItem {
  if (parsed === undefined) return { place, content: new LineError('is not valid JSON') };
  try {
    return { place, content: checkLine(parsed) };
  } catch (error) {
    if (error instanceof LineError) return { place, content: error };
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function rest(first: string, lines: AsyncIterable<string>): Promise<string> {
  const all = [first];
  let chars = first.length;
  for await (const line of lines) {
    chars += line.length;
    if (chars > LINE_BYTES_MAX) throw new LineError('the document is longer than 64 MiB');
    all.push(line);
  }
  return all.join('\n');
}

/** Splits bytes into lines of UTF-8; a line past `LINE_BYTES_MAX` ends the reading. */
async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      yield decode([...pending, chunk.subarray(start, end)]);
      pending = [];
      pendingBytes = 0;
      start = end + 1;
    }
    pending.push(chunk.subarray(start));
    pendingBytes += chunk.length - start;
    if (pendingBytes > LINE_BYTES_MAX) throw new LineError('a line is longer than 64 MiB');
  }
  if (pendingBytes > 0) yield decode(pending);
}

function decode(parts: readonly Uint8Array[]): string {
  return new TextDecoder().decode(Buffer.concat(parts));
}
