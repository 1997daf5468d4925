import { CodedError } from '../../src/base/errors.ts';
import type { CallOptions } from '../../src/hirag/types.ts';
import { newSession } from '../../src/hirag/window/session-body.ts';
import type * as types from '../../src/hirag/window/types.ts';

const FILL = {
  liveTokens: 0,
  liveMessages: 0,
  maxTokens: 4096,
  pressure: 0,
  archivedMessages: 0,
  cards: 0,
  offloading: false,
};
const NO_TOKENS = { header: 0, cards: 0, memory: 0, messages: 0, total: 0 };
const LIMITS = { maxTokens: 4096, offloadAt: 0.8, relieveTo: 0.6, rearmAt: 0.7 };

/** Sessions that hold nothing, behind the interface that the handlers call. */
export class SessionsDouble implements types.SessionMemory {
  readonly #enter: (input: unknown, options?: CallOptions) => Promise<void>;

  constructor(enter: (input: unknown, options?: CallOptions) => Promise<void>) {
    this.#enter = enter;
  }

  async append(input: types.AppendInput, options?: CallOptions): Promise<types.AppendOutcome> {
    await this.#enter(input, options);
    return { messages: input.messages.map(({ id = '' }) => ({ id, tokenCount: 1, created: true })), window: FILL };
  }

  async window(input: types.WindowInput, options?: CallOptions): Promise<types.WindowOutcome> {
    await this.#enter(input, options);
    return { messages: [], tokens: NO_TOKENS, window: FILL, recalled: [], degraded: [] };
  }

  async configure(input: types.ConfigureInput, options?: CallOptions): Promise<types.SessionView> {
    await this.#enter(input, options);
    return { body: newSession(input.agentId, input.sessionId, 0), limits: LIMITS, window: FILL };
  }

  async get(id: unknown, _page: unknown, options?: CallOptions): Promise<never> {
    await this.#enter(id, options);
    throw new CodedError('NOT_FOUND', 'no such session');
  }

  async list(request: unknown, options?: CallOptions): Promise<{ sessions: never[] }> {
    await this.#enter(request, options);
    return { sessions: [] };
  }

  async expand(request: unknown, options?: CallOptions): Promise<never> {
    await this.#enter(request, options);
    throw new CodedError('NOT_FOUND', 'no such card');
  }

  async reset(request: unknown, options?: CallOptions): Promise<{ archived: number; deleted: number }> {
    await this.#enter(request, options);
    return { archived: 0, deleted: 0 };
  }
}
