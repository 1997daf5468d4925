import type { Context, ContextListReply, ListRequest } from './types.ts';

/** The contexts of a list, newest first, fetched page by page as they are asked for. */
export class ContextList implements AsyncIterable<Context> {
  private readonly fetch: (request: ListRequest) => Promise<ContextListReply>;
  private readonly request: ListRequest;

  constructor(request: ListRequest, fetch: (request: ListRequest) => Promise<ContextListReply>) {
    this.request = request;
    this.fetch = fetch;
  }

  /** One page: the first, or that of the request's `cursor`. */
  page(): Promise<ContextListReply> {
    return this.fetch(this.request);
  }

  async *pages(): AsyncGenerator<ContextListReply, void, undefined> {
    let page = await this.page();
    for (;;) {
      yield page;
      if (page.cursor === undefined) return;
      page = await this.fetch({ ...this.request, cursor: page.cursor });
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Context, void, undefined> {
    for await (const page of this.pages()) yield* page.contexts;
  }
}
