// What of documents crosses the border between the main thread and the store worker.

import type { DocumentChange, StoredDocument } from '../../documents.ts';

/** `StoredDocument` with its body and its terms as JSON. */
export type WireDocument = Omit<StoredDocument, 'body' | 'terms'> & { readonly body: string; readonly terms: string };

/** A document in its row. */
export type WireRow = WireDocument & { readonly row: number };

export type WireDocumentChange =
  | { readonly op: 'put'; readonly document: WireDocument; readonly ifVersion: number | null }
  | Extract<DocumentChange, { readonly op: 'delete' }>;

/** null: of a deletion. `version`: of what is there instead of what should be. */
export type WireDocumentResult = 'written' | { readonly version: number | null } | null;

export type WireDocumentRead =
  | { readonly op: 'get'; readonly namespace: string; readonly kind: string; readonly keys: readonly string[] }
  | {
      readonly op: 'scan';
      readonly namespace: string;
      readonly kind: string;
      readonly owner: string | null;
      readonly term: string | null;
      readonly descending: boolean;
      readonly from: number | null;
      /** Of the last row of that order that is not wanted. */
      readonly tie: number | null;
      readonly limit: number;
    }
  | { readonly op: 'walk'; readonly after: number; readonly limit: number };

export interface DocumentCallTypes {
  /** In one transaction. */
  change_documents: { body: readonly WireDocumentChange[]; result: readonly WireDocumentResult[] };
  read_documents: {
    body: WireDocumentRead;
    /** Those that are there; `after`: where a walk goes on. */
    result: { readonly documents: readonly WireRow[]; readonly after: number | null };
  };
}
