import type { DocumentStore } from '../../store/documents.ts';
import type { Fact } from './fact.ts';
import { FACT_KIND, FACT_NAME_KIND, nameDocument, nameTerms } from './fact-document.ts';

/** Of a fact that is gone, names that no fact has any more. One that was put meanwhile has its name again. */
export async function forgetNames(store: DocumentStore, fact: Fact): Promise<void> {
  const { namespace } = fact;
  for (const term of nameTerms(fact)) {
    const isUsed = async (): Promise<boolean> => {
      const request = { namespace, kind: FACT_KIND, term, descending: true, limit: 1 };
      return (await store.scanDocuments(request)).documents.length > 0;
    };
    if (await isUsed()) continue;
    await store.writeDocuments([{ op: 'delete', namespace, kind: FACT_NAME_KIND, key: term }]);
    if (await isUsed())
      await store.writeDocuments([{ op: 'put', document: nameDocument(namespace, term), ifVersion: null }]);
  }
}
