import type { Methods } from './methods.generated.ts';
import type { PagedList } from './paged-list.ts';
import type { CallOptions, Input, ReplyOf } from './types.ts';

type NewFact = Input<'fact.put'>['facts'][number];
type Whose = Omit<Input<'fact.put'>, 'facts'>;

/** What is known of the world. Each method is also one of the client's own: `putFacts`, `listFacts`, `factsAround`, `deleteFact`. */
export class Facts {
  readonly #client: Methods;

  /** @internal */
  constructor(client: Methods) {
    this.#client = client;
  }

  /** Puts one fact, or up to 100 together; durable when this resolves, which tells what they supersede and contradict. */
  put(facts: NewFact | readonly NewFact[], whose: Whose = {}, options?: CallOptions): Promise<ReplyOf<'fact.put'>> {
    const list = Array.isArray(facts) ? (facts as readonly NewFact[]) : [facts as NewFact];
    return this.#client.putFacts({ ...whose, facts: list }, options);
  }

  /** Facts that hold, those that began last first: loop over all of them, or take page by page. */
  list(request: Input<'fact.list'> = {}, options?: CallOptions): PagedList<'fact.list', 'facts'> {
    return this.#client.listFacts(request, options);
  }

  /** Facts about an entity, and about those that these lead to, the nearest first. */
  around(
    entity: string,
    request: Omit<Input<'fact.around'>, 'entity'> = {},
    options?: CallOptions,
  ): Promise<ReplyOf<'fact.around'>> {
    return this.#client.factsAround({ ...request, entity }, options);
  }

  /** Deletes a fact; what it superseded holds again. */
  delete(
    id: string,
    request: Omit<Input<'fact.delete'>, 'id'> = {},
    options?: CallOptions,
  ): Promise<ReplyOf<'fact.delete'>> {
    return this.#client.deleteFact({ ...request, id }, options);
  }
}
