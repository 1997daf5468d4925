// What a document is read from and into; the thread that reads it gets and tells nothing else.

export const FORMATS = ['text', 'markdown', 'html', 'pdf'] as const;
export type Format = (typeof FORMATS)[number];

/** Text under one path of headings. */
export interface Section {
  readonly headings: readonly string[];
  readonly text: string;
  /** Of a PDF, from 1. */
  readonly page?: number;
}

export interface Sections {
  /** As the document itself says it. */
  readonly title?: string;
  readonly sections: Iterable<Section> | AsyncIterable<Section>;
}

/** A piece of a document that is stored as one context. */
export type Chunk = Section;

export interface ReadingBounds {
  readonly chunksMax: number;
  /** Of the whole document, once it is text. */
  readonly unitsMax: number;
  readonly pagesMax: number;
}

export interface DocumentWorkerData extends ReadingBounds {
  readonly format: Format;
  readonly bytes: Uint8Array;
  /** Estimated tokens of a chunk. */
  readonly chunkTokens: number;
}

export interface ReadDocument {
  readonly title?: string;
  readonly chunks: readonly Chunk[];
}

export type DocumentWorkerReply =
  | { readonly document: ReadDocument }
  | { readonly tooLarge: string }
  | { readonly bad: string };
