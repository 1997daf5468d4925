import { estimatedTokens, passagesOf } from '../../../base/text/passages.ts';
import { isBlank } from '../../../base/text/blank.ts';
import type { Chunk, DocumentWorkerData, ReadDocument, Section, Sections } from './document-messages.ts';
import { htmlSections } from './html-sections.ts';
import { markdownSections } from './markdown-sections.ts';
import { pdfSections } from './pdf-sections.ts';
import { TooLargeDocument } from './reading-faults.ts';

/** A heading path takes no more than that of a chunk. */
const HEADINGS_SHARE = 1 / 4;

/** The chunks of a document, in its order. Rejects with `BadDocument` or `TooLargeDocument`. */
export async function readDocument(data: DocumentWorkerData): Promise<ReadDocument> {
  const { chunksMax, unitsMax, chunkTokens } = data;
  const { title, sections } = await sectionsOf(data);
  const chunks: Chunk[] = [];
  let units = 0;
  for await (const section of sections) {
    units += section.text.length;
    if (units > unitsMax) throw new TooLargeDocument(`has more than ${unitsMax} characters of text`);
    for (const chunk of chunksOf(section, chunkTokens)) {
      chunks.push(chunk);
      if (chunks.length > chunksMax) throw new TooLargeDocument(`makes more than ${chunksMax} chunks`);
    }
  }
  return { ...(title !== undefined && { title }), chunks };
}

async function sectionsOf({ format, bytes, pagesMax, unitsMax }: DocumentWorkerData): Promise<Sections> {
  if (format === 'pdf') return pdfSections(bytes, pagesMax);
  const text = new TextDecoder().decode(bytes);
  // Before anything is taken apart: pieces of a word each take many times its memory.
  if (text.length > unitsMax) throw new TooLargeDocument(`has more than ${unitsMax} characters`);
  if (format === 'markdown') return markdownSections(text);
  return format === 'html' ? htmlSections(text) : { sections: [{ headings: [], text }] };
}

/** Each begins with its headings: alone it still says what it is about. */
function* chunksOf({ headings, text, page }: Section, tokensMax: number): Generator<Chunk> {
  const path = headings.join(' > ');
  const cost = estimatedTokens(path);
  const isShown = path !== '' && cost <= tokensMax * HEADINGS_SHARE;
  for (const passage of passagesOf(text.toWellFormed().trim(), isShown ? tokensMax - cost : tokensMax)) {
    if (isBlank(passage)) continue;
    yield { headings, text: isShown ? `${path}\n\n${passage}` : passage, ...(page !== undefined && { page }) };
  }
}
