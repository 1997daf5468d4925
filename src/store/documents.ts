// Documents: small JSON maps beside the contexts, for what must be one and is changed by several. No text of them is
// searched, and no level, lifetime or vector belongs to them.

import type { JsonObject } from '../base/context.ts';

export const DOCUMENT_TERMS_MAX = 16;
/** UTF-16 code units. */
export const DOCUMENT_TERM_CHARS_MAX = 64;

export interface StoredDocument {
  readonly namespace: string;
  /** What it is; documents of one kind have their keys for themselves. */
  readonly kind: string;
  readonly key: string;
  /** Whose it is, for scans. */
  readonly owner: string;
  /** Where it stands among those of its owner and kind; a whole number. Any number may share one. */
  readonly order: number;
  /** What it can be scanned by, each once, at most `DOCUMENT_TERMS_MAX` of at most `DOCUMENT_TERM_CHARS_MAX`; compared exactly. Absent: nothing. */
  readonly terms?: readonly string[];
  /** Above zero; whoever puts it says the next one. */
  readonly version: number;
  readonly body: JsonObject;
}

export type DocumentChange =
  /** `ifVersion`: what must be there; null: nothing may be. */
  | { readonly op: 'put'; readonly document: StoredDocument; readonly ifVersion: number | null }
  | { readonly op: 'delete'; readonly namespace: string; readonly kind: string; readonly key: string };

/** What came of the change at the same place. */
export type DocumentResult =
  | { readonly op: 'put'; readonly written: true }
  /** Nothing was written; `version`: of what is there, null where nothing is. */
  | { readonly op: 'put'; readonly written: false; readonly version: number | null }
  | { readonly op: 'delete' };

/** Those of one namespace and kind, in their order. */
export interface DocumentReach {
  readonly namespace: string;
  readonly kind: string;
  /** Absent: everybody's. */
  readonly owner?: string;
  /** Only those that have this one among their terms. */
  readonly term?: string;
  readonly descending: boolean;
  readonly limit: number;
}

/** A place between two documents, as the page before told it. */
export interface DocumentPlace {
  readonly order: number;
  /** One: where among those of this order, as the driver says it. */
  readonly keys: readonly string[];
}

export interface DocumentScan extends DocumentReach {
  /** The order to begin at; absent: from the first on. */
  readonly from?: number;
  /** `next` of an earlier page; says where to begin in place of `from`. */
  readonly after?: DocumentPlace;
}

export interface DocumentStart {
  /** Of this order on; absent: from the first on. */
  readonly from?: number;
  /** With `from`: of those of that order only what is behind this `tie`. */
  readonly tie?: string;
}

export interface ScannedDocument {
  readonly document: StoredDocument;
  /** Tells it from others of the same order, also when it is gone. */
  readonly tie: string;
}

export interface DocumentPage {
  readonly documents: readonly StoredDocument[];
  /** The place behind each of them. */
  readonly places: readonly DocumentPlace[];
  /** Absent: these were the last. */
  readonly next?: DocumentPlace;
}

/** Documents of all kinds and namespaces, in an order of the driver's own. */
export interface DocumentWalk {
  /** Of an earlier page. */
  readonly after?: string;
  readonly limit: number;
}

export interface WalkedDocuments {
  readonly documents: readonly StoredDocument[];
  /** Absent: these were the last. */
  readonly after?: string;
}

/** What `ContextStore` promises of them. */
export interface DocumentStore {
  /** Applies the changes in order, each by itself. When it resolves they are durable and visible to every later read. */
  writeDocuments(changes: readonly DocumentChange[]): Promise<DocumentResult[]>;
  /** In the order of `keys`; null where there is none. */
  documents(namespace: string, kind: string, keys: readonly string[]): Promise<(StoredDocument | null)[]>;
  scanDocuments(request: DocumentScan): Promise<DocumentPage>;
  /**
   * A place, and perhaps a time, as clients may have it: what others store shows in a place. The same place always has the same
   * text, in this namespace alone.
   */
  placeCursor(namespace: string, place: DocumentPlace, timeMs?: number): string;
  /** Throws `BAD_REQUEST` where it did not come from `placeCursor`. */
  cursorPlace(namespace: string, cursor: string): { readonly place: DocumentPlace; readonly timeMs?: number };
}

/** A driver's side; rejections are those of `ContextStore`. */
export interface DocumentDriver {
  /** Applies the changes in order, each by itself. When it resolves they are durable and visible to every later read. */
  apply(changes: readonly DocumentChange[]): Promise<DocumentResult[]>;
  /** In the order of `keys`; null where there is none. */
  get(namespace: string, kind: string, keys: readonly string[]): Promise<(StoredDocument | null)[]>;
  /** The first of them from a place on; those of one order in an order of the driver's own, which stays. */
  scan(reach: DocumentReach & DocumentStart): Promise<ScannedDocument[]>;
  walk(request: DocumentWalk): Promise<WalkedDocuments>;
}

/** A page of a scan. What is put while somebody pages may come or not; what stays as it was comes once. */
export async function documentPage(
  driver: Pick<DocumentDriver, 'scan'>,
  { after, from, limit, ...reach }: DocumentScan,
): Promise<DocumentPage> {
  const [tie] = after?.keys ?? [];
  const start = after === undefined ? from : after.order;
  const found = await driver.scan({
    ...reach,
    ...(start !== undefined && { from: start }),
    ...(tie !== undefined && { tie }),
    limit: limit + 1,
  });
  const page = found.slice(0, limit);
  const documents = page.map(({ document }) => document);
  const places = page.map(({ document, tie: own }): DocumentPlace => ({ order: document.order, keys: [own] }));
  const next = places.at(-1);
  return next === undefined || found.length <= limit ? { documents, places } : { documents, places, next };
}

/** All of a scan, some at a time. */
export async function* allDocuments(
  scan: (request: DocumentScan) => Promise<DocumentPage>,
  request: DocumentScan,
): AsyncGenerator<readonly StoredDocument[]> {
  let after = request.after;
  do {
    const page: DocumentPage = await scan({ ...request, ...(after && { after }) });
    yield page.documents;
    after = page.next;
  } while (after !== undefined);
}
