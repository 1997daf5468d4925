import { parseJson } from '../../base/json.ts';
import { DEPTH_SCANNED_MAX, findJsonFaults, type JsonFault, type JsonFaults } from '../../base/json-faults.ts';
import { checkFactLine, isFactLine, type FactLine } from './fact-line.ts';
import { conversationLines, isConversation, isTurnField } from './conversation.ts';
import { checkLine, LINE_DEPTH_MAX, LineError, type ImportLine } from './line.ts';
import { LINE_BYTES_MAX, numberedLines, type NumberedLine } from './numbered-lines.ts';

/** Where a thing to import stands, counted from 1. */
export interface Place {
  /** Absent where the input is one document over many lines. */
  readonly line?: number;
  /** In a conversation document. */
  readonly turn?: number;
  /** In what another memory wrote, as `conversation 3, line 1: message 4`. */
  readonly at?: string;
}

/** One thing to import, or why it cannot be. */
export interface SourceItem {
  readonly place: Place;
  readonly content: ImportLine | FactLine | LineError;
}

/** Lines of JSON, or one JSON document with `turns`, whichever the input turns out to be. */
export async function* readItems(
  chunks: AsyncIterable<Uint8Array>,
  lineBytesMax = LINE_BYTES_MAX,
): AsyncGenerator<SourceItem> {
  const lines = numberedLines(chunks, lineBytesMax);
  let isFirst = true;
  for (let next = await lines.next(); !next.done; next = await lines.next()) {
    const line = next.value;
    if (isBlank(line)) continue;
    if (isFirst && mayBeginDocument(line)) {
      yield* documentOrLines(line, lines, lineBytesMax);
      return;
    }
    isFirst = false;
    yield* lineItems(line);
  }
}

function isBlank({ text }: NumberedLine): boolean {
  return typeof text === 'string' && text.trim() === '';
}

/** A document may be spread over many lines: then its first one is no JSON by itself. */
function mayBeginDocument({ text }: NumberedLine): boolean {
  return typeof text === 'string' && text.trimStart().startsWith('{') && parse(text) instanceof LineError;
}

/**
 * Only all of the input tells whether it is a document that is spread over many lines, or whether its first line is
 * damaged. A document has at most so many bytes, so that past them, as behind a line that cannot be read, it is lines.
 */
async function* documentOrLines(
  first: NumberedLine,
  more: AsyncIterable<NumberedLine>,
  bytesMax: number,
): AsyncGenerator<SourceItem> {
  let held: NumberedLine[] | undefined = [first];
  let chars = String(first.text).length;
  for await (const line of more) {
    if (held === undefined) {
      if (!isBlank(line)) yield* lineItems(line);
      continue;
    }
    held.push(line);
    if (typeof line.text === 'string') chars += line.text.length + 1;
    if (typeof line.text !== 'string' || chars > bytesMax) {
      yield* allLineItems(held);
      held = undefined;
    }
  }
  if (held === undefined) return;
  const text = held.map((line) => String(line.text)).join('\n');
  const parsed = parse(text);
  if (!(parsed instanceof LineError) && isConversation(parsed.value)) yield* turnItems(parsed.value, parsed.faults, {});
  else yield* allLineItems(held);
}

function* allLineItems(lines: readonly NumberedLine[]): Generator<SourceItem> {
  for (const line of lines) if (!isBlank(line)) yield* lineItems(line);
}

/** What a line holds: one thing, or the turns of a conversation. */
function* lineItems({ number, text }: NumberedLine): Generator<SourceItem> {
  const place = { line: number };
  const parsed = typeof text === 'string' ? parse(text) : text;
  if (parsed instanceof LineError) yield { place, content: parsed };
  else if (isConversation(parsed.value)) yield* turnItems(parsed.value, parsed.faults, place);
  else yield { place, content: tryLine(parsed) };
}

function tryLine({ value, depth, faults }: ParsedText): ImportLine | FactLine | LineError {
  if (depth > LINE_DEPTH_MAX) return tooDeep();
  if (faults[0] !== undefined) return new LineError(faults[0].reason);
  try {
    return isFactLine(value) ? checkFactLine(value as object) : checkLine(value);
  } catch (error) {
    if (error instanceof LineError) return error;
    throw error;
  }
}

function* turnItems(
  document: { readonly turns: readonly unknown[] },
  faults: readonly JsonFault[],
  place: Place,
): Generator<SourceItem> {
  const ofTurns = faults.filter(
    ({ path: [key, , field] }) => key === 'turns' && (field === undefined || isTurnField(field)),
  );
  const ofDocument = ofTurns.find(({ path }) => path.length === 1);
  if (ofDocument !== undefined) {
    yield { place, content: new LineError(ofDocument.reason) };
    return;
  }
  if (document.turns.length === 0) yield { place, content: new LineError('the conversation has no turns') };
  const reasons = new Map(ofTurns.map(({ path, reason }) => [path[1], reason]));
  let turn = 0;
  for (const content of conversationLines(document)) {
    const reason = reasons.get(turn);
    turn += 1;
    yield { place: { ...place, turn }, content: reason === undefined ? content : new LineError(reason) };
  }
}

interface ParsedText extends JsonFaults {
  readonly value: unknown;
}

function parse(text: string): ParsedText | LineError {
  const found = findJsonFaults(text);
  if (found.depth > DEPTH_SCANNED_MAX) return tooDeep();
  try {
    return { ...found, value: parseJson(text) };
  } catch {
    return new LineError('is not valid JSON');
  }
}

function tooDeep(): LineError {
  return new LineError(`is nested more than ${LINE_DEPTH_MAX} levels deep`);
}
