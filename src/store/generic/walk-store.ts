// All that a store holds, whole: for whoever copies or changes every context.

import type { StoreDriver } from '../driver.ts';
import type { NewContext } from '../store.ts';
import { scanAll } from './scan-all.ts';

/** A context with all that another store needs to have it the same. */
export interface WholeContext extends NewContext {
  /** As `Found.entered`. */
  readonly entered: number;
}

export interface WalkOptions {
  readonly namespace: string;
  /** Of one page; long texts end it earlier, at some megabytes. */
  readonly contextsMax: number;
  /** Ends the reading of a page with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Every context of a namespace, also those whose lifetime is over, in the order of their creation: what is created meanwhile
 * with a time of now comes at the end, and what changes or moves meanwhile comes once. The next page is read while the
 * last one is worked on, so two are held at most.
 */
export async function* walkStore(
  driver: Pick<StoreDriver, 'scan'>,
  { namespace, contextsMax, signal }: WalkOptions,
): AsyncGenerator<readonly WholeContext[]> {
  const order = { order: 'creation', descending: false, vectors: true } as const;
  const pages = scanAll(driver, { namespace, limit: contextsMax, ...order }, () => signal);
  for await (const found of ahead(pages)) {
    yield found.flatMap(({ record, vector, passages, unembedded, entered }) => {
      if (vector === undefined || entered === undefined) return [];
      return [{ record, vector, ...(passages && { passages }), ...(unembedded && { unembedded }), entered }];
    });
  }
}

/** Asks for the next item before this one is done with. */
async function* ahead<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
  let next = items.next();
  try {
    for (let item = await next; item.done !== true; item = await next) {
      next = items.next();
      // Whoever works on the item asks for it later; until then a failure is nobody's.
      next.catch(() => undefined);
      yield item.value;
    }
  } finally {
    await next.catch(() => undefined);
  }
}
