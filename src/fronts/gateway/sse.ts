import { StringDecoder } from 'node:string_decoder';

export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/**
 * Reads events from the pieces of a stream (HTML standard, section 9.2.6): line ends of all kinds, cut anywhere, comments, data over
 * several lines. An event that is longer than the bound is passed over.
 */
export class EventReader {
  readonly #unitsMax: number;
  readonly #onEvent: (event: ServerSentEvent) => void;
  readonly #decoder = new StringDecoder('utf8');
  #line = '';
  #event = '';
  #data: string[] = [];
  #units = 0;
  #lineUnits = 0;
  #endedWithReturn = false;
  #isFirst = true;

  constructor(unitsMax: number, onEvent: (event: ServerSentEvent) => void) {
    this.#unitsMax = unitsMax;
    this.#onEvent = onEvent;
  }

  write(chunk: Buffer): void {
    let text = this.#decoder.write(chunk);
    if (this.#isFirst && text !== '') {
      this.#isFirst = false;
      if (text.startsWith('\ufeff')) text = text.slice(1);
    }
    // A line feed that completes the line end which the piece before began.
    if (text === '') return;
    if (this.#endedWithReturn && text.startsWith('\n')) text = text.slice(1);
    this.#endedWithReturn = text.endsWith('\r');
    let from = 0;
    for (const { index, 0: end } of text.matchAll(/\r\n|\r|\n/g)) {
      this.#take(text.slice(from, index));
      this.#endLine();
      from = index + end.length;
    }
    this.#take(text.slice(from));
  }

  #take(piece: string): void {
    this.#lineUnits += piece.length;
    this.#units += piece.length;
    if (this.#units > this.#unitsMax) {
      this.#line = '';
      this.#data = [];
    } else {
      this.#line += piece;
    }
  }

  #endLine(): void {
    const line = this.#line;
    const isEmpty = this.#lineUnits === 0;
    this.#line = '';
    this.#lineUnits = 0;
    if (isEmpty) return this.#dispatch();
    if (this.#units > this.#unitsMax || line.startsWith(':')) return;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
  }

  #dispatch(): void {
    const isEvent = this.#units <= this.#unitsMax && this.#data.length > 0;
    const event = { event: this.#event, data: this.#data.join('\n') };
    this.#event = '';
    this.#data = [];
    this.#units = 0;
    if (isEvent) this.#onEvent(event);
  }
}
