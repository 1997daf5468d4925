// Messages into a session: stored as contexts first, then listed. What a kill leaves between the two was not acknowledged, and
// the same messages again complete it.

import type { ContextRecord } from '../../base/context.ts';
import { CodedError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import { isSameJson } from '../../base/json.ts';
import { uuidV7, type Random } from '../../base/random.ts';
import type { ContextStore } from '../../store/store.ts';
import { recordedAt } from '../../store/times.ts';
import type { CallOptions, StoreInput } from '../types.ts';
import type { Tiers } from '../tiers/tiers.ts';
import type { Intake } from '../write/intake.ts';
import type { TokenEstimator } from '../write/token-estimator.ts';
import {
  callIdsOf,
  isMemoryBlock,
  isSameMessage,
  type MessageInput,
  messageOf,
  type StoredForm,
  storedFormOf,
  tokensOf,
} from './message.ts';
import type { LiveMessage } from './session-body.ts';
import type { AppendInput } from './types.ts';

export interface StoreMessagesDeps {
  readonly store: ContextStore;
  readonly intake: Intake;
  readonly tiers: Tiers;
  readonly tokens: TokenEstimator;
  readonly clock: Clock;
  readonly random: Random;
}

export interface StoredMessages {
  /** Of each message of the call, in order. */
  readonly messages: readonly { readonly id: string; readonly created: boolean }[];
  /** Each once, as they are stored, in the order of the call. */
  readonly records: readonly ContextRecord[];
  /** Ids of those that were there before. */
  readonly known: ReadonlySet<string>;
}

interface Draft {
  readonly input: MessageInput;
  readonly id: string;
  readonly form: StoredForm;
}

/** All of them, or none: `CONFLICT` where an id has another content. */
export async function storeMessages(
  input: AppendInput,
  options: CallOptions,
  deps: StoreMessagesDeps,
): Promise<StoredMessages> {
  const drafts = await draftsOf(input, deps);
  const distinct = distinctOf(drafts);
  const existing = await existingOf(input, distinct, deps);
  const fresh = distinct.filter(({ id }) => !existing.has(id));
  const outcomes =
    fresh.length === 0
      ? []
      : await deps.intake.storeTogether(
          fresh.map((draft) => storeInput(input, draft)),
          options,
        );
  const createdIds = fresh.flatMap(({ id }, i) => (outcomes[i]?.created === true ? [id] : []));
  if (outcomes.includes(null)) {
    await deps.tiers.delete(input.namespace, createdIds);
    throw conflict();
  }
  const records = new Map(existing);
  for (const outcome of outcomes) if (outcome?.record) records.set(outcome.record.id, outcome.record);
  const created = new Set(createdIds);
  return {
    messages: drafts.map(({ id }) => ({ id, created: created.delete(id) })),
    records: distinct.flatMap(({ id }) => records.get(id) ?? []),
    known: new Set(distinct.map(({ id }) => id).filter((id) => !createdIds.includes(id))),
  };
}

/** What the session lists of a message. */
export function liveMessageOf(record: ContextRecord): LiveMessage {
  const message = messageOf(record);
  const calls = callIdsOf(message?.toolCalls);
  return {
    id: record.id,
    role: message?.role ?? 'user',
    tokens: tokensOf(record),
    atMs: record.createdAtMs,
    recordedAtMs: recordedAt(record),
    ...(calls.length > 0 && { calls }),
    ...(message?.role === 'tool' && message.toolCallId !== undefined && { answers: message.toolCallId }),
  };
}

export function hasMemoryBlock(records: readonly ContextRecord[]): boolean {
  return records.some(isMemoryBlock);
}

async function draftsOf({ messages }: AppendInput, { tokens, clock, random }: StoreMessagesDeps): Promise<Draft[]> {
  const callTokens = await tokens.count(
    messages.map(({ toolCalls }) => (toolCalls === undefined ? '' : JSON.stringify(toolCalls))),
  );
  return messages.map((input, i) => ({
    input,
    id: input.id ?? uuidV7(clock.nowMs(), random),
    form: storedFormOf(input, callTokens[i] ?? 0, `/messages/${i}`),
  }));
}

/** The first of those with one id; they must be the same. */
function distinctOf(drafts: readonly Draft[]): Draft[] {
  const byId = new Map<string, Draft>();
  for (const draft of drafts) {
    const known = byId.get(draft.id);
    if (known === undefined) byId.set(draft.id, draft);
    else if (!isSameJson({ ...known.form }, { ...draft.form })) throw conflict();
  }
  return [...byId.values()];
}

async function existingOf(
  { namespace, agentId, sessionId }: AppendInput,
  drafts: readonly Draft[],
  { store, clock }: StoreMessagesDeps,
): Promise<Map<string, ContextRecord>> {
  const given = drafts.filter(({ input }) => input.id !== undefined);
  const ids = given.map(({ id }) => id);
  const found = ids.length === 0 ? [] : await store.fetch(namespace, ids, clock.nowMs());
  const existing = new Map<string, ContextRecord>();
  given.forEach(({ id, form }, i) => {
    const record = found[i];
    if (record === null || record === undefined) return;
    const isOwn = record.agentId === agentId && record.sessionId === sessionId;
    if (!isOwn || !isSameMessage(record, form)) throw conflict();
    existing.set(id, record);
  });
  return existing;
}

function storeInput({ namespace, agentId, sessionId }: AppendInput, { input, id, form }: Draft): StoreInput {
  const { tags, createdAtMs } = input;
  return {
    namespace,
    agentId,
    sessionId,
    id,
    ...form,
    // What a session lists is not for its level to let go of.
    isKept: true,
    ...(tags !== undefined && { tags }),
    ...(createdAtMs !== undefined && { createdAtMs }),
  };
}

function conflict(): CodedError {
  return new CodedError('CONFLICT', 'a context with this id and another content exists; nothing was stored');
}
