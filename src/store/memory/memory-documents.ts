import type { JsonObject } from '../../base/context.ts';
import type {
  DocumentChange,
  DocumentDriver,
  DocumentReach,
  DocumentResult,
  DocumentStart,
  DocumentWalk,
  StoredDocument,
  WalkedDocuments,
} from '../documents.ts';

export class MemoryDocuments implements DocumentDriver {
  readonly #documents = new Map<string, StoredDocument>();

  apply(changes: readonly DocumentChange[]): Promise<DocumentResult[]> {
    return Promise.resolve(changes.map((change) => this.#apply(change)));
  }

  get(namespace: string, kind: string, keys: readonly string[]): Promise<(StoredDocument | null)[]> {
    return Promise.resolve(keys.map((key) => this.#documents.get(keyOf({ namespace, kind, key })) ?? null));
  }

  scan({ namespace, kind, owner, term, descending, from, tie = '', limit }: DocumentReach & DocumentStart) {
    const sign = descending ? -1 : 1;
    const found = [...this.#documents].flatMap(([place, document]) => {
      const isMeant =
        document.namespace === namespace &&
        document.kind === kind &&
        (owner === undefined || document.owner === owner) &&
        (term === undefined || document.terms?.includes(term) === true);
      return isMeant && isBehind(document, place) ? [{ document, tie: place }] : [];
    });
    function isBehind({ order }: StoredDocument, place: string): boolean {
      if (from === undefined) return true;
      return order === from ? place > tie : sign * (order - from) > 0;
    }
    found.sort((a, b) => sign * (a.document.order - b.document.order) || (a.tie < b.tie ? -1 : 1));
    return Promise.resolve(found.slice(0, limit));
  }

  walk({ after = '', limit }: DocumentWalk): Promise<WalkedDocuments> {
    const keys = [...this.#documents.keys()].filter((key) => key > after).sort();
    const page = keys.slice(0, limit);
    const documents = page.map((key) => this.#documents.get(key) as StoredDocument);
    const last = page.at(-1);
    return Promise.resolve(last !== undefined && keys.length > limit ? { documents, after: last } : { documents });
  }

  #apply(change: DocumentChange): DocumentResult {
    if (change.op === 'delete') {
      this.#documents.delete(keyOf(change));
      return { op: 'delete' };
    }
    const key = keyOf(change.document);
    const version = this.#documents.get(key)?.version ?? null;
    if (version !== change.ifVersion) return { op: 'put', written: false, version };
    this.#documents.set(key, { ...change.document, body: asJson(change.document.body) });
    return { op: 'put', written: true };
  }
}

function asJson(body: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(body)) as JsonObject;
}

function keyOf({ namespace, kind, key }: Pick<StoredDocument, 'namespace' | 'kind' | 'key'>): string {
  return JSON.stringify([namespace, kind, key]);
}
