import { parseJson } from '../../../base/json.ts';
import { LineError, type ImportLine } from '../line.ts';
import { LINE_BYTES_MAX, textChunks } from '../numbered-lines.ts';
import type { Place } from '../reader.ts';
import { chatgpt } from './chatgpt.ts';
import type { ForeignFormat, ForeignLine } from './foreign-format.ts';
import { jsonElements, type JsonElement } from './json-elements.ts';
import { letta } from './letta.ts';
import { mem0 } from './mem0.ts';
import { zep } from './zep.ts';

const FORMATS = { mem0, zep, chatgpt, letta } satisfies Record<string, ForeignFormat>;
export type ForeignFormatName = keyof typeof FORMATS;
export const FOREIGN_FORMATS = Object.keys(FORMATS) as readonly ForeignFormatName[];

/** One thing that another memory has, or why it cannot be read. */
interface ForeignItem {
  readonly place: Place;
  readonly content: ImportLine | LineError;
}

/** What another memory has written, one thing after the other; no more than one element is held. */
export async function* readForeign(
  chunks: AsyncIterable<Uint8Array>,
  name: ForeignFormatName,
  elementBytesMax = LINE_BYTES_MAX,
): AsyncGenerator<ForeignItem> {
  const format: ForeignFormat = FORMATS[name];
  const arrays = new Set(Object.keys(format.arrays));
  for await (const element of jsonElements(textChunks(chunks), arrays, elementBytesMax)) {
    const noun = format.arrays[element.key ?? ''] ?? format.noun;
    const place = `${noun} ${element.index}, line ${element.line}`;
    for (const { at, content } of linesOf(element, format))
      yield { place: { at: at === undefined ? place : `${place}: ${at}` }, content };
  }
}

function* linesOf({ text, around, key }: JsonElement, format: ForeignFormat): Generator<ForeignLine> {
  try {
    yield* format.lines(parsed(text), around, key);
  } catch (error) {
    if (!(error instanceof LineError)) throw error;
    yield { content: error };
  }
}

function parsed(text: string | LineError): unknown {
  if (text instanceof LineError) throw text;
  try {
    return parseJson(text);
  } catch {
    throw new LineError('is not valid JSON');
  }
}
