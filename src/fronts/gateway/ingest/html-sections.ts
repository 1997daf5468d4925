import { Parser } from 'htmlparser2';
import type { Section, Sections } from './document-messages.ts';
import { HeadingPath, oneLine } from './heading-path.ts';
import { TooLargeDocument } from './reading-faults.ts';

/** What no reader of the page sees as its text. */
const UNSEEN = new Set([
  'script',
  'style',
  'noscript',
  'template',
  'svg',
  'math',
  'iframe',
  'object',
  'select',
  'textarea',
]);
/** A paragraph begins and ends with each. */
const BLOCKS = new Set(
  (
    'address article aside blockquote body dd details dialog div dl dt fieldset figcaption figure footer form ' +
    'h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section summary table tbody tfoot thead tr ul'
  ).split(' '),
);
const CELLS = new Set(['td', 'th']);

/** Each mark that is closed is looked for among those that are open; browsers stop sooner. */
const DEPTH_MAX = 2_000;

/** The text of a page under its headings, a paragraph per block. Linear. Throws `TooLargeDocument` of marks that are nested without end. */
export function htmlSections(html: string): Sections {
  const reader = new HtmlReader();
  const parser = new Parser({
    onopentagname: (name) => reader.open(name),
    onclosetag: (name) => reader.close(name),
    ontext: (text) => reader.text(text),
  });
  parser.end(html);
  return reader.read();
}

class HtmlReader {
  readonly #sections: Section[] = [];
  readonly #path = new HeadingPath();
  #depth = 0;
  #unseen = 0;
  #preformatted = 0;
  /** What is being collected apart from the text. */
  #apart: string[] | null = null;
  #title = '';
  #pieces: string[] = [];
  /** What stands between the last piece and the next. */
  #between: '' | ' ' | '\n' | '\n\n' = '';

  open(name: string): void {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw new TooLargeDocument(`has more than ${DEPTH_MAX} marks inside one another`);
    if (UNSEEN.has(name)) this.#unseen += 1;
    if (name === 'pre') this.#preformatted += 1;
    if (name === 'title' && this.#title === '') this.#apart = [];
    if (depthOf(name) !== null) this.#apart = [];
    this.#border(name);
  }

  close(name: string): void {
    this.#depth -= 1;
    if (UNSEEN.has(name)) this.#unseen -= 1;
    if (name === 'pre') this.#preformatted -= 1;
    const depth = depthOf(name);
    if (this.#apart !== null && (name === 'title' || depth !== null)) {
      const text = oneLine(this.#apart.join(''));
      this.#apart = null;
      if (depth === null) this.#title = text;
      else if (text !== '') this.#enter(depth, text);
    }
    this.#border(name);
  }

  text(text: string): void {
    if (this.#unseen > 0) return;
    if (this.#apart !== null) this.#apart.push(text);
    else if (this.#preformatted > 0) this.#add(text);
    else this.#addWords(text);
  }

  read(): Sections {
    this.#endSection();
    return { ...(this.#title !== '' && { title: this.#title }), sections: this.#sections };
  }

  #border(name: string): void {
    if (this.#apart !== null) return void this.#apart.push(name === 'br' ? ' ' : '');
    if (BLOCKS.has(name)) this.#between = '\n\n';
    else if (name === 'br' && this.#between !== '\n\n') this.#between = '\n';
    else if (CELLS.has(name) && this.#between === '') this.#between = ' ';
  }

  #addWords(text: string): void {
    const words = text.split(/\s/).filter(Boolean);
    if (this.#between === '' && (words.length === 0 || text.trimStart() !== text)) this.#between = ' ';
    if (words.length === 0) return;
    this.#add(words.join(' '));
    if (text.trimEnd() !== text) this.#between = ' ';
  }

  #add(text: string): void {
    if (this.#pieces.length > 0) this.#pieces.push(this.#between);
    this.#between = '';
    this.#pieces.push(text);
  }

  #enter(depth: number, heading: string): void {
    this.#endSection();
    this.#path.enter(depth, heading);
  }

  #endSection(): void {
    this.#sections.push({ headings: this.#path.headings, text: this.#pieces.join('') });
    this.#pieces = [];
    this.#between = '';
  }
}

function depthOf(name: string): number | null {
  const depth = name.length === 2 && name.startsWith('h') ? Number(name.charAt(1)) : Number.NaN;
  return depth >= 1 && depth <= 6 ? depth : null;
}
