import { getDocumentProxy, getMeta } from 'unpdf';
import { oneLine } from './heading-path.ts';
import type { Section, Sections } from './document-messages.ts';
import { BadDocument, TooLargeDocument } from './reading-faults.ts';

type PdfDocument = Awaited<ReturnType<typeof getDocumentProxy>>;

/** A section for each page of a PDF. Rejects with `BadDocument` or `TooLargeDocument`. */
export async function pdfSections(bytes: Uint8Array, pagesMax: number): Promise<Sections> {
  const document = await opened(bytes);
  if (document.numPages > pagesMax) throw new TooLargeDocument(`has more than ${pagesMax} pages`);
  const title = await titleOf(document);
  return { ...(title !== '' && { title }), sections: pagesOf(document) };
}

async function opened(bytes: Uint8Array): Promise<PdfDocument> {
  try {
    return await getDocumentProxy(bytes, { verbosity: 0 });
  } catch (error) {
    const isLocked = error instanceof Error && error.name === 'PasswordException';
    throw new BadDocument(isLocked ? 'is a PDF that wants a password' : 'is not a PDF that can be read');
  }
}

async function titleOf(document: PdfDocument): Promise<string> {
  try {
    const { info } = await getMeta(document);
    const title: unknown = info['Title'];
    return typeof title === 'string' ? oneLine(title) : '';
  } catch {
    return '';
  }
}

async function* pagesOf(document: PdfDocument): AsyncGenerator<Section> {
  for (let page = 1; page <= document.numPages; page++) {
    try {
      yield { headings: [], page, text: await textOf(document, page) };
    } catch {
      throw new BadDocument(`has a page ${page} that cannot be read`);
    }
  }
}

async function textOf(document: PdfDocument, number: number): Promise<string> {
  const page = await document.getPage(number);
  const { items } = await page.getTextContent();
  page.cleanup();
  return items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : '')).join('');
}
