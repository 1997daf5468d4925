import type { Client } from '@context-manager/client';
import { scopeOf, type AdapterOptions, type Scope } from '../../shared/adapter-options.ts';
import { contextId } from '../../shared/names.ts';
import { codeOf, cutText, shows, TEXT_CHARS_MAX } from '../../shared/text.ts';
import type { Remembered } from './memory-block.ts';

/** Under the first ids there may be texts that were changed since. */
const ATTEMPTS = 8;

/** One thing to remember. */
export interface Said {
  readonly text: string;
  readonly role?: 'user' | 'assistant';
  readonly sessionId?: string | undefined;
  readonly tags?: readonly string[];
}

/** How much is looked for, and how long one waits. */
export interface RecallLimits {
  readonly maxTokens: number;
  readonly relevanceThreshold?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What the middleware and the tools ask of the server. */
export class AgentMemory {
  readonly #client: Client;
  readonly #scope: Scope;

  constructor(options: AdapterOptions) {
    this.#client = options.client;
    this.#scope = scopeOf(options, 'ai-sdk');
  }

  /** What matters for a question, best first, from all sessions of the agent. */
  async recall(
    question: string,
    { maxTokens, relevanceThreshold, timeoutMs, signal }: RecallLimits,
  ): Promise<Remembered[]> {
    const { contexts } = await this.#client.query(
      {
        query: cutText(question, TEXT_CHARS_MAX),
        max_tokens: maxTokens,
        ...this.#scope,
        ...(relevanceThreshold !== undefined && { relevance_threshold: relevanceThreshold }),
      },
      { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal !== undefined && { signal }) },
    );
    return contexts.map(({ text, created_at: createdAt, metadata }) => {
      const { role } = metadata;
      return { text, createdAt, ...(typeof role === 'string' && { role }) };
    });
  }

  /** Stores them in one request; what is stored already, at the same place of the same conversation, stays as it is. */
  async remember(said: readonly (Said & { readonly place: readonly string[] })[], timeoutMs?: number): Promise<void> {
    const contexts = said.flatMap(({ text, place, ...rest }) => {
      const cut = cutText(text, TEXT_CHARS_MAX);
      return shows(cut) ? [{ ...this.#contextOf({ ...rest, text: cut }), id: this.#id([...place, cut]) }] : [];
    });
    if (contexts.length === 0) return;
    const { results } = await this.#client.storeBatch({ contexts }, timeoutMs === undefined ? {} : { timeoutMs });
    const failed = results.find((result) => 'error' in result && result.error.code !== 'CONFLICT');
    if (failed !== undefined && 'error' in failed) throw new Error(`${failed.error.code}: ${failed.error.message}`);
  }

  /** The same text again, in the same session, is remembered already. */
  async rememberOnce(said: Said, signal?: AbortSignal): Promise<{ readonly id: string; readonly created: boolean }> {
    for (let attempt = 1; ; attempt++) {
      const id = this.#id(['said', said.sessionId ?? '', said.text, String(attempt)]);
      try {
        const request = {
          ...this.#contextOf(said),
          id,
          ...(said.sessionId === undefined && { level: 'long_term' as const }),
        };
        const { created } = await this.#client.store(request, signal === undefined ? {} : { signal });
        return { id, created };
      } catch (error) {
        // What was remembered under this id says something else by now.
        if (codeOf(error) !== 'CONFLICT' || attempt === ATTEMPTS) throw error;
      }
    }
  }

  #contextOf({ text, role, sessionId, tags }: Said) {
    return {
      text,
      ...this.#scope,
      ...(sessionId !== undefined && { session_id: sessionId }),
      ...(role !== undefined && { metadata: { role } }),
      ...(tags !== undefined && { tags: [...tags] }),
    };
  }

  #id(parts: readonly string[]): string {
    return contextId(['ai-sdk', this.#scope.agent_id, ...parts]);
  }
}
