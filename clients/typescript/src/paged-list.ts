import type { Input, ReplyOf, RequestType } from './types.ts';

/** What one page holds, by the field of the reply that holds it. */
type ItemOf<T extends RequestType, Field extends keyof ReplyOf<T>> = ReplyOf<T>[Field] extends readonly (infer Item)[]
  ? Item
  : never;

/** All that a request finds, fetched page by page as it is asked for. */
export class PagedList<T extends RequestType, Field extends keyof ReplyOf<T>>
  implements AsyncIterable<ItemOf<T, Field>>
{
  readonly #field: Field;
  readonly #request: Input<T>;
  readonly #fetch: (request: Input<T>) => Promise<ReplyOf<T>>;

  constructor(field: Field, request: Input<T>, fetch: (request: Input<T>) => Promise<ReplyOf<T>>) {
    this.#field = field;
    this.#request = request;
    this.#fetch = fetch;
  }

  /** One page: the first, or that of the request's `cursor`. */
  page(): Promise<ReplyOf<T>> {
    return this.#fetch(this.#request);
  }

  /** Page after page, each fetched when it is asked for. */
  async *pages(): AsyncGenerator<ReplyOf<T>, void, undefined> {
    let page = await this.page();
    for (;;) {
      yield page;
      const { cursor } = page as { readonly cursor?: string };
      if (cursor === undefined) return;
      page = await this.#fetch({ ...this.#request, cursor });
    }
  }

  /** What is in the pages, one after the other. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ItemOf<T, Field>, void, undefined> {
    for await (const page of this.pages()) yield* page[this.#field] as Iterable<ItemOf<T, Field>>;
  }
}

/** The contexts of a list, newest first. */
export type ContextList = PagedList<'context.list', 'contexts'>;
