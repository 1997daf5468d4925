import type { ContextRecord, Filter, Level } from '../../base/context.ts';
import type { CallOptions } from '../call-options.ts';
import type { Receipt } from '../receipt.ts';
import type { WindowMessage } from './assembly.ts';
import type { SessionState } from './memory-block.ts';
import type { Message, MessageInput } from './message.ts';
import type { LiveItem, SessionBody } from './session-body.ts';
import type { SessionId } from './session-store.ts';

/** How full a window is. */
export interface WindowFill {
  readonly liveTokens: number;
  readonly liveMessages: number;
  readonly maxTokens: number;
  readonly pressure: number;
  readonly archivedMessages: number;
  /** That the window has to show. */
  readonly cards: number;
  /** A model is still to make some of its cards anew. */
  readonly offloading: boolean;
}

export interface Guards {
  readonly echo?: { readonly of: string; readonly similarity: number; readonly run: number };
  readonly boredom?: { readonly run: number };
}

export interface AppendInput extends SessionId {
  readonly messages: readonly MessageInput[];
}

export interface AppendOutcome {
  readonly messages: readonly { readonly id: string; readonly tokenCount: number; readonly created: boolean }[];
  readonly window: WindowFill;
  readonly guards?: Guards;
}

export interface RecallInput {
  readonly maxTokens?: number;
  readonly relevanceThreshold?: number;
  readonly filter?: Filter;
  readonly sessions?: 'all' | 'own';
}

export interface WindowInput extends SessionId {
  readonly query?: string;
  readonly maxTokens?: number;
  /** false: nothing is recalled. */
  readonly recall?: false | RecallInput;
  readonly explain?: boolean;
}

export interface Recalled {
  readonly record: ContextRecord;
  readonly relevanceScore: number;
}

export interface WindowOutcome {
  readonly messages: readonly WindowMessage[];
  readonly tokens: Readonly<Record<'header' | 'cards' | 'memory' | 'messages' | 'total', number>>;
  readonly window: WindowFill;
  readonly recalled: readonly Recalled[];
  readonly degraded: readonly { readonly level: Level; readonly code: string }[];
  readonly receipts?: readonly Receipt[];
}

export interface ConfigureInput extends SessionId {
  readonly maxTokens?: number;
  readonly offloadAt?: number;
  readonly relieveTo?: number;
  readonly rearmAt?: number;
  /** Empty: none. */
  readonly header?: string;
  /** Lists that are given take the place of those there are. */
  readonly state?: SessionState;
}

export interface CardView {
  readonly cardId: string;
  readonly summary: string;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly messageCount: number;
  readonly tokenCount: number;
  readonly originalTokens: number;
}

export interface SessionView {
  readonly body: SessionBody;
  readonly limits: Readonly<Record<'maxTokens' | 'offloadAt' | 'relieveTo' | 'rearmAt', number>>;
  readonly window: WindowFill;
}

export interface SessionDetails extends SessionView {
  readonly live: readonly LiveItem[];
  /** The newest first. */
  readonly cards: readonly CardView[];
  readonly cursor?: string;
}

export interface OriginalMessage extends Message {
  readonly record: ContextRecord;
  readonly tokens: number;
}

/** Where a page begins; absent: with the first. */
export interface Page {
  readonly cursor?: string;
}

export interface ListRequest extends Page {
  readonly namespace: string;
  readonly agentId?: string;
  readonly limit?: number;
}

export interface ExpandRequest extends SessionId, Page {
  readonly cardId: string;
}

/** Windows: what a session says, as a conversation that never overflows. */
export interface SessionMemory {
  append(input: AppendInput, options?: CallOptions): Promise<AppendOutcome>;
  window(input: WindowInput, options?: CallOptions): Promise<WindowOutcome>;
  configure(input: ConfigureInput, options?: CallOptions): Promise<SessionView>;
  /** `NOT_FOUND` where nothing was appended or configured. */
  get(id: SessionId, page: Page, options?: CallOptions): Promise<SessionDetails>;
  list(
    request: ListRequest,
    options?: CallOptions,
  ): Promise<{ readonly sessions: readonly SessionView[]; readonly cursor?: string }>;
  /** The originals that a card stands for, in order, some at a time. */
  expand(
    request: ExpandRequest,
    options?: CallOptions,
  ): Promise<{ readonly messages: readonly OriginalMessage[]; readonly cursor?: string }>;
  reset(
    request: SessionId & { readonly forget: boolean },
    options?: CallOptions,
  ): Promise<{ readonly archived: number; readonly deleted: number }>;
}
