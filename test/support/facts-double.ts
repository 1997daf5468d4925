import type * as types from '../../src/hirag/facts/types.ts';
import type { CallOptions } from '../../src/hirag/types.ts';

/** Facts that are taken and forgotten, behind the interface that the handlers call. */
export class FactsDouble implements types.FactMemory {
  readonly #enter: (input: unknown, options?: CallOptions) => Promise<void>;

  constructor(enter: (input: unknown, options?: CallOptions) => Promise<void>) {
    this.#enter = enter;
  }

  async put(input: types.PutFactsInput, options?: CallOptions): Promise<types.PutFact[]> {
    await this.#enter(input, options);
    return input.facts.map(({ id = '' }) => ({ id, created: true, superseded: [], conflicts: [] }));
  }

  async list(input: types.ListFactsInput, options?: CallOptions): Promise<types.FactPage> {
    await this.#enter(input, options);
    return { facts: [] };
  }

  async around(input: types.AroundInput, options?: CallOptions): Promise<types.Around> {
    await this.#enter(input, options);
    return { facts: [], entities: [], truncated: false };
  }

  async named(): Promise<never[]> {
    await this.#enter({});
    return [];
  }

  async delete(namespace: string, id: string, _agentId?: string, options?: CallOptions): Promise<number> {
    await this.#enter({ namespace, id }, options);
    return 0;
  }
}
