import type { ContextQueryReply, ContextQueryRequest, Level } from '../../../src/protocol/messages.generated.ts';
import type { RequestError } from '../api/client.ts';
import type { QueryDefaults } from '../api/login.ts';
import { LEVELS } from '../format/levels.ts';
import { Store } from '../state/store.ts';

/** A query as its form holds it. */
export interface Question {
  readonly text: string;
  /** Empty: the fullest. */
  readonly namespace: string;
  /** Empty: every agent. */
  readonly agent: string;
  /** Empty: no session's working set. */
  readonly session: string;
  readonly levels: readonly Level[];
  readonly maxTokens: string;
  readonly limit: string;
  /** Empty: the server's own rule. */
  readonly threshold: string;
}

const EMPTY_QUESTION: Question = {
  text: '',
  namespace: '',
  agent: '',
  session: '',
  levels: LEVELS,
  maxTokens: '',
  limit: '',
  threshold: '',
};

/** A query that was asked, and what came of it. */
export interface Asked {
  readonly question: Question;
  readonly namespace: string;
  readonly maxTokens: number;
  readonly limit: number;
  /** Null: the query named none. */
  readonly threshold: number | null;
  readonly reply: ContextQueryReply;
}

type Outcome =
  | { readonly kind: 'none' }
  | { readonly kind: 'asking' }
  | { readonly kind: 'asked'; readonly asked: Asked }
  | { readonly kind: 'problem'; readonly error: RequestError };

export interface Side {
  readonly question: Question;
  readonly outcome: Outcome;
}

export interface Lab {
  readonly a: Side;
  /** Null: one query alone. */
  readonly b: Side | null;
}

/** It outlives a look at another page. */
export const lab = new Store<Lab>({ a: { question: EMPTY_QUESTION, outcome: { kind: 'none' } }, b: null });

/** What was answered to one key is nothing for the next one: the questions stay, as who asked them may come back. */
export function forgetAnswers(): void {
  const { a, b } = lab.value;
  const outcome = { kind: 'none' } as const;
  lab.set({ a: { ...a, outcome }, b: b === null ? null : { ...b, outcome } });
}

export interface Bounds {
  readonly maxTokens: number;
  readonly limit: number;
  readonly threshold: number | null;
}

export function boundsOf(question: Question, defaults: QueryDefaults): Bounds {
  return {
    maxTokens: question.maxTokens === '' ? defaults.max_tokens : Number(question.maxTokens),
    limit: question.limit === '' ? defaults.limit : Number(question.limit),
    threshold: question.threshold === '' ? null : Number(question.threshold),
  };
}

export function requestOf(question: Question, namespace: string, bounds: Bounds): ContextQueryRequest {
  return {
    query: question.text,
    namespace,
    agent_id: question.agent === '' ? '*' : question.agent,
    max_tokens: bounds.maxTokens,
    limit: bounds.limit,
    explain: true,
    ...(question.session === '' ? {} : { session_id: question.session }),
    ...(question.levels.length === LEVELS.length ? {} : { levels: [...question.levels] }),
    ...(bounds.threshold === null ? {} : { relevance_threshold: bounds.threshold }),
  };
}
