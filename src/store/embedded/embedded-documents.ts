import type { JsonObject } from '../../base/context.ts';
import { parseJson } from '../../base/json.ts';
import type {
  DocumentChange,
  DocumentDriver,
  DocumentReach,
  DocumentResult,
  DocumentStart,
  DocumentWalk,
  ScannedDocument,
  StoredDocument,
  WalkedDocuments,
} from '../documents.ts';
import type { WireDocumentChange, WireRow } from './border/document-messages.ts';
import type { WorkerLink } from './worker-link.ts';

const NO_TERMS = '[]';

/** Documents over the store worker: the changes of a call share one transaction. */
export class EmbeddedDocuments implements DocumentDriver {
  readonly #link: WorkerLink;

  constructor(link: WorkerLink) {
    this.#link = link;
  }

  async apply(changes: readonly DocumentChange[]): Promise<DocumentResult[]> {
    if (changes.length === 0) return [];
    const results = await this.#link.call('change_documents', () => changes.map(encode));
    return results.map((result): DocumentResult => {
      if (result === null) return { op: 'delete' };
      if (result === 'written') return { op: 'put', written: true };
      return { op: 'put', written: false, version: result.version };
    });
  }

  async get(namespace: string, kind: string, keys: readonly string[]): Promise<(StoredDocument | null)[]> {
    if (keys.length === 0) return [];
    const { documents } = await this.#link.call('read_documents', () => ({ op: 'get', namespace, kind, keys }));
    const byKey = new Map(documents.map((document) => [document.key, decode(document)]));
    return keys.map((key) => byKey.get(key) ?? null);
  }

  async scan({ owner, term, from, tie, ...reach }: DocumentReach & DocumentStart): Promise<ScannedDocument[]> {
    const start = { from: from ?? null, tie: tie === undefined ? null : Number(tie) };
    const request = { op: 'scan', ...reach, owner: owner ?? null, term: term ?? null, ...start } as const;
    const { documents } = await this.#link.call('read_documents', () => request);
    return documents.map((document) => ({ document: decode(document), tie: String(document.row) }));
  }

  async walk({ after, limit }: DocumentWalk): Promise<WalkedDocuments> {
    const request = { op: 'walk', after: Number(after ?? 0), limit } as const;
    const page = await this.#link.call('read_documents', () => request);
    const documents = page.documents.map(decode);
    return page.after === null ? { documents } : { documents, after: String(page.after) };
  }
}

function encode(change: DocumentChange): WireDocumentChange {
  if (change.op === 'delete') return change;
  const { body, terms = [], ...document } = change.document;
  return { ...change, document: { ...document, body: JSON.stringify(body), terms: JSON.stringify(terms) } };
}

function decode({ body, terms, row: _row, ...document }: WireRow): StoredDocument {
  const named = terms === NO_TERMS ? {} : { terms: parseJson(terms) as readonly string[] };
  return { ...document, body: parseJson(body) as JsonObject, ...named };
}
