import { LineError } from '../line.ts';

/** One thing in a JSON file: an item of its array, or of an array in it, or the whole of a document. */
export interface JsonElement {
  /** The name of the array in the document; absent: the element stands in no named one. */
  readonly key?: string;
  /** Counted from 1, in its array or among the documents. */
  readonly index: number;
  /** Where it begins, counted from 1. */
  readonly line: number;
  /** What stands in the document before the array: names and ids of what it belongs to. */
  readonly around: Readonly<Record<string, unknown>>;
  readonly text: string | LineError;
}

const [QUOTE, BACKSLASH, COMMA, COLON, LINE_BREAK] = [0x22, 0x5c, 0x2c, 0x3a, 0x0a];
const [OPEN_LIST, CLOSE_LIST, OPEN_MAP, CLOSE_MAP] = [0x5b, 0x5d, 0x7b, 0x7d];
/** Blanks, and the three bytes of a byte order mark, which no JSON has outside of texts. */
const PASSED_OVER = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);
const KEY_BYTES_MAX = 256;

/**
 * The elements of a JSON document, or of several behind one another, one at a time: an array is never held as a whole, nor
 * are those in a document whose names are among `arrays`. An element of more than `bytesMax` is told as such.
 */
export async function* jsonElements(
  chunks: AsyncIterable<Uint8Array>,
  arrays: ReadonlySet<string>,
  bytesMax: number,
): AsyncGenerator<JsonElement> {
  const scanner = new ElementScanner(arrays, bytesMax);
  for await (const chunk of chunks) yield* scanner.push(chunk);
  yield* scanner.end();
}

class ElementScanner {
  readonly #arrays: ReadonlySet<string>;
  readonly #element: Bytes;
  /** A document, without what the arrays in it hold that are given out by themselves. */
  readonly #document: Bytes;
  readonly #string = new Bytes(KEY_BYTES_MAX);
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #line = 1;
  /** How deep the elements of the array lie that is being given out; 0: none is. */
  #splitDepth = 0;
  #key: string | undefined;
  #around: Readonly<Record<string, unknown>> = {};
  #hasSplit = false;
  #isInElement = false;
  #startLine = 1;
  #index = 0;
  #documents = 0;

  constructor(arrays: ReadonlySet<string>, bytesMax: number) {
    this.#arrays = arrays;
    this.#element = new Bytes(bytesMax);
    this.#document = new Bytes(bytesMax);
  }

  *push(chunk: Uint8Array): Generator<JsonElement> {
    for (const byte of chunk) {
      if (this.#isInString) this.#inString(byte);
      else {
        const done = this.#outside(byte);
        if (done !== undefined) yield done;
      }
      if (byte === LINE_BREAK) this.#line += 1;
    }
  }

  *end(): Generator<JsonElement> {
    if (this.#depth === 0 && !this.#isInString && this.#isInElement) yield this.#take();
    else if (this.#depth > 0 || this.#isInString)
      yield {
        index: this.#index + 1,
        line: this.#line,
        around: {},
        text: new LineError('the file ends in the middle of it'),
      };
  }

  #inString(byte: number): void {
    this.#keep(byte);
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isInString = false;
    if (this.#isNaming) this.#string.add(byte);
  }

  /** In the names and texts of a document itself. */
  get #isNaming(): boolean {
    return this.#depth === 1 && this.#splitDepth === 0;
  }

  #outside(byte: number): JsonElement | undefined {
    const isSeparator = byte === COMMA || byte === CLOSE_LIST;
    if (
      this.#isInElement &&
      this.#depth === this.#splitDepth &&
      (isSeparator || (this.#depth === 0 && byte === LINE_BREAK))
    ) {
      const element = this.#take();
      if (byte === CLOSE_LIST) this.#leaveArray();
      return element;
    }
    if (!this.#isInElement && this.#depth === this.#splitDepth) {
      if (PASSED_OVER.has(byte) || byte === COMMA) return undefined;
      if (byte === CLOSE_LIST && this.#depth > 0) return void this.#leaveArray();
      if (this.#depth === 0 && byte === OPEN_LIST) return void this.#enterArray(undefined);
      if (this.#depth === 0 && byte === OPEN_MAP) return void this.#enterDocument();
      this.#begin();
    }
    return this.#structure(byte);
  }

  #structure(byte: number): JsonElement | undefined {
    if (byte === QUOTE) {
      this.#isInString = true;
      if (this.#isNaming) this.#string.clear(byte);
    } else if (byte === COLON && this.#isNaming) this.#key = nameOf(this.#string);
    else if (byte === OPEN_LIST && this.#isNaming && this.#key !== undefined && this.#arrays.has(this.#key))
      return void this.#enterArray(this.#key);
    this.#keep(byte);
    if (byte === OPEN_LIST || byte === OPEN_MAP) this.#depth += 1;
    else if (byte === CLOSE_LIST || byte === CLOSE_MAP) {
      this.#depth = Math.max(0, this.#depth - 1);
      if (this.#depth === 0 && this.#splitDepth === 0) return this.#endDocument();
    }
    return undefined;
  }

  #keep(byte: number): void {
    if (this.#isInElement) this.#element.add(byte);
    else if (this.#depth > 0) this.#document.add(byte);
  }

  #enterDocument(): void {
    this.#document.clear(OPEN_MAP);
    this.#depth = 1;
    this.#hasSplit = false;
    this.#key = undefined;
    this.#startLine = this.#line;
  }

  #endDocument(): JsonElement | undefined {
    if (this.#isInElement) return this.#take();
    this.#documents += 1;
    if (this.#hasSplit) return undefined;
    return { index: this.#documents, line: this.#startLine, around: {}, text: this.#document.text() };
  }

  #enterArray(key: string | undefined): void {
    this.#depth += 1;
    this.#splitDepth = this.#depth;
    this.#key = key;
    this.#index = 0;
    this.#around = key === undefined ? {} : parsed(this.#document.text(), '[]}');
    this.#hasSplit = true;
    for (const byte of Buffer.from('[]')) if (key !== undefined) this.#document.add(byte);
  }

  #leaveArray(): void {
    this.#depth -= 1;
    this.#splitDepth = 0;
    this.#key = undefined;
  }

  #begin(): void {
    this.#isInElement = true;
    this.#startLine = this.#line;
    this.#index += 1;
    this.#element.clear();
  }

  #take(): JsonElement {
    this.#isInElement = false;
    const [key, around] = [this.#key, this.#around];
    return {
      ...(key === undefined || this.#splitDepth === 0 ? {} : { key }),
      index: this.#index,
      line: this.#startLine,
      around: this.#splitDepth === 0 ? {} : around,
      text: this.#element.text(),
    };
  }
}

/** Bytes of UTF-8, up to a number of them. */
class Bytes {
  readonly #bytesMax: number;
  #bytes = Buffer.alloc(KEY_BYTES_MAX);
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  clear(first?: number): void {
    this.#length = 0;
    // What one long element took is not kept for the others.
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = Buffer.alloc(KEY_BYTES_MAX);
    if (first !== undefined) this.add(first);
  }

  add(byte: number): void {
    if (this.#length < this.#bytesMax) {
      if (this.#length === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#length)]);
      this.#bytes[this.#length] = byte;
    }
    this.#length += 1;
  }

  text(): string | LineError {
    if (this.#length > this.#bytesMax) return new LineError(`is longer than ${this.#bytesMax / 1024 / 1024} MiB`);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.#bytes.subarray(0, this.#length));
    } catch {
      return new LineError('is not UTF-8');
    }
  }
}

const KEPT_BYTES_MAX = 1024 * 1024;

function nameOf(string: Bytes): string | undefined {
  const text = string.text();
  try {
    return text instanceof LineError ? undefined : (JSON.parse(text) as string);
  } catch {
    return undefined;
  }
}

/** The beginning of a document, ended by `end`. */
function parsed(text: string | LineError, end: string): Readonly<Record<string, unknown>> {
  try {
    return text instanceof LineError ? {} : (JSON.parse(text + end) as Record<string, unknown>);
  } catch {
    return {};
  }
}
