import type { DocumentChange, DocumentDriver, StoredDocument, WalkedDocuments } from '../../store/documents.ts';
import type { Patience } from '../terminal/patience.ts';

export interface DocumentsDeps {
  readonly source: DocumentDriver;
  readonly destination: DocumentDriver;
  readonly patience: Patience;
  /** Absent: all. */
  readonly namespaces: readonly string[] | undefined;
}

/** What became of the documents that were read. */
export interface DocumentTally {
  /** They were not there, or older. */
  copied: number;
  /** They are there just so, or newer. */
  kept: number;
}

/** About what a driver reads and writes in one go. */
const DOCUMENTS_AT_ONCE = 50;

/** Adds to what is there, and brings up to date what is older there: a higher version is newer. */
export async function copyDocuments({ source, destination, patience, namespaces }: DocumentsDeps) {
  const tally: DocumentTally = { copied: 0, kept: 0 };
  let after: string | undefined;
  do {
    const request = { limit: DOCUMENTS_AT_ONCE, ...(after !== undefined && { after }) };
    const page: WalkedDocuments = await patience.with('source', () => source.walk(request));
    const wanted = page.documents.filter(({ namespace }) => namespaces?.includes(namespace) !== false);
    for (const document of wanted) {
      if (await patience.with('destination', () => copyOne(document, destination))) tally.copied++;
      else tally.kept++;
    }
    after = page.after;
  } while (after !== undefined);
  return tally;
}

/** False: what is there is as new. */
async function copyOne(document: StoredDocument, destination: DocumentDriver): Promise<boolean> {
  const { namespace, kind, key, version } = document;
  for (;;) {
    const [known] = await destination.get(namespace, kind, [key]);
    if (known !== undefined && known !== null && known.version >= version) return false;
    const change: DocumentChange = { op: 'put', document, ifVersion: known?.version ?? null };
    const [result] = await destination.apply([change]);
    if (result?.op === 'put' && result.written) return true;
  }
}
