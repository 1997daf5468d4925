import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import type { ContextRecord } from '../../src/base/context.ts';
import type { GenericStore } from '../../src/store/generic/generic-store.ts';
import type { NewContext, WriteResult } from '../../src/store/store.ts';
import { describeCopies } from './store-copies.ts';
import { describeDocuments } from './store-documents.ts';
import { describeErasures } from './store-erasures.ts';
import { describeFacts } from './store-facts.ts';
import { describeExpiry } from './store-expiry.ts';
import { describeLists } from './store-lists.ts';
import { describePassages } from './store-passages.ts';
import { put, sample } from './store-samples.ts';
import { describeScopes } from './store-scopes.ts';
import { describeSearch } from './store-search.ts';
import { describeTimes } from './store-times.ts';
import { describeTransfers } from './store-transfers.ts';
import { describeUnembedded } from './store-unembedded.ts';
import { describeUpdates } from './store-updates.ts';
import { describeWrites } from './store-writes.ts';

/** A store of its own for one run of the suite. */
export interface OpenedStore {
  readonly store: GenericStore;
  readonly dimension: number;
  /** Closes the store and removes what it left. */
  dispose(): Promise<void>;
}

/** What the parts of the suite work with; `store` is there once the tests run. */
export interface ContractSubject {
  readonly store: GenericStore;
  readonly dimension: number;
  /** Every test has a namespace of its own. */
  readonly namespace: string;
  /** Stores a sample in the test's namespace. */
  add(name: string, fields?: Partial<ContextRecord>): Promise<NewContext>;
  write(contexts: readonly NewContext[]): Promise<WriteResult[]>;
}

/** What every driver must do, whatever is behind it. */
export function describeStoreContract(name: string, open: () => Promise<OpenedStore>): void {
  describe(`store contract: ${name}`, () => {
    let opened: OpenedStore;
    let tests = 0;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.dispose());
    beforeEach(() => {
      tests++;
    });

    const subject: ContractSubject = {
      get store() {
        return opened.store;
      },
      get dimension() {
        return opened.dimension;
      },
      get namespace() {
        return `test-${tests}`;
      },
      async add(sampleName, fields = {}) {
        const context = sample(sampleName, opened.dimension, { namespace: subject.namespace, ...fields });
        await opened.store.write([put(context)]);
        return context;
      },
      write: (contexts) => opened.store.write(contexts.map(put)),
    };
    describeWrites(subject);
    describeUpdates(subject);
    describeSearch(subject);
    describePassages(subject);
    describeUnembedded(subject);
    describeCopies(subject);
    describeScopes(subject);
    describeLists(subject);
    describeExpiry(subject);
    describeTransfers(subject);
    describeTimes(subject);
    describeDocuments(subject);
    describeErasures(subject);
    describeFacts(subject);
  });
}
