// What a window sends to a model: what is live, cards, and what is recalled, within its budget.

import { toCodedError } from '../../base/errors.ts';
import { type ContextRecord, type Filter, LEVELS } from '../../base/context.ts';
import { throwIfAborted } from '../../base/abort.ts';
import type { CallOptions, QueryInput, QueryOutcome } from '../types.ts';
import type { TokenEstimator } from '../write/token-estimator.ts';
import { blocksOf, fit, type Fitted, inOrder, type WindowMessage } from './assembly.ts';
import { memoryBlock, recalledLine, stateLines } from './memory-block.ts';
import { isMemoryBlock, messageOf } from './message.ts';
import { type CardBody, messagesOf, type SessionBody } from './session-body.ts';
import type { Recalled, WindowInput, WindowOutcome } from './types.ts';
import type { WindowSettings } from './window-limits.ts';

export interface WindowReadDeps {
  readonly tokens: TokenEstimator;
  readonly settings: WindowSettings;
  readonly query: (input: QueryInput, options: CallOptions) => Promise<QueryOutcome>;
}

export interface WindowParts {
  readonly body: SessionBody;
  /** Those that the window may show, oldest first. */
  readonly cards: readonly CardBody[];
  readonly recordOf: (id: string) => ContextRecord | null;
  readonly maxTokens: number;
}

/** Share of a window that recall takes where the request says nothing else. */
const RECALL_SHARE = 1 / 4;
const RECALLED_MAX = 50;
/** The beginning of a long question tells what it is about. */
const QUERY_CHARS_MAX = 8_192;

type Assembled = Omit<WindowOutcome, 'window'>;

export async function assembleWindow(
  input: WindowInput,
  { body, cards, recordOf, maxTokens }: WindowParts,
  options: CallOptions,
  deps: WindowReadDeps,
): Promise<Assembled> {
  const { header, state = {} } = body.config;
  const head: WindowMessage | null =
    header === undefined ? null : { role: 'system', content: header.text, kind: 'header', tokens: header.tokens };
  const shown = cards.map(cardMessage);
  const fitted = fit(maxTokens, head, shown, blocksOf(body.live, recordOf));
  const { outcome, degraded } = await recall(input, body, cards, fitted, maxTokens, recordOf, options, deps);
  throwIfAborted(options.signal);
  const lines = stateLines(state, deps.settings.state);
  const contexts = outcome?.contexts ?? [];
  const { memory, recalled } = await memoryWithin(lines, contexts, fitted.left, deps.tokens);
  const messages = inOrder(fitted, memory);
  return {
    messages,
    tokens: tokensOf(messages),
    recalled,
    degraded,
    ...(outcome?.receipts !== undefined && { receipts: outcome.receipts }),
  };
}

function cardMessage({ name, summary, tokens }: CardBody): WindowMessage {
  return { role: 'user', content: summary, kind: 'card', tokens, cardId: name };
}

/** A window without it is better than none: what fails is only told. */
async function recall(
  input: WindowInput,
  body: SessionBody,
  cards: readonly CardBody[],
  { left, cards: shown }: Fitted,
  maxTokens: number,
  recordOf: (id: string) => ContextRecord | null,
  options: CallOptions,
  { query, settings }: WindowReadDeps,
): Promise<{ outcome?: QueryOutcome; degraded: WindowOutcome['degraded'] }> {
  const { namespace, agentId, sessionId, recall: wanted = {}, explain } = input;
  const asked = input.query ?? lastQuestion(body, recordOf);
  if (wanted === false || asked === undefined || asked.trim() === '') return { degraded: [] };
  const budget = Math.min(left, wanted.maxTokens ?? Math.floor(maxTokens * RECALL_SHARE));
  if (budget < 1) return { degraded: [] };
  const shownIds = new Set(shown.map(({ cardId }) => cardId));
  const carded = cards.filter(({ name }) => shownIds.has(name)).flatMap(({ messages }) => messages.map(({ id }) => id));
  const filter = withoutMemoryBlocks(wanted.filter, body);
  try {
    const outcome = await query(
      {
        namespace,
        agentId,
        ...(wanted.sessions === 'own' && { sessionId }),
        query: asked.slice(0, QUERY_CHARS_MAX).toWellFormed(),
        maxTokens: budget,
        limit: RECALLED_MAX,
        relevanceThreshold: wanted.relevanceThreshold ?? settings.recallThreshold,
        ...(filter !== undefined && { filter }),
        ...(explain !== undefined && { explain }),
        // Those of other sessions; there are few, and none where clients leave the block out of what they append.
        leavesOut: isMemoryBlock,
        excludedIds: new Set([...messagesOf(body.live).map(({ id }) => id), ...carded]),
      },
      options,
    );
    return { outcome, degraded: outcome.degraded };
  } catch (error) {
    const coded = toCodedError(error);
    if (coded.code === 'BAD_REQUEST' || coded.code === 'INTERNAL') throw error;
    return { degraded: LEVELS.map((level) => ({ level, code: coded.code })) };
  }
}

function lastQuestion(body: SessionBody, recordOf: (id: string) => ContextRecord | null): string | undefined {
  const last = messagesOf(body.live).findLast(({ role }) => role === 'user');
  return last === undefined ? undefined : (recordOf(last.id)?.text ?? undefined);
}

/** What a window once made of memory is no memory of its own. */
function withoutMemoryBlocks(filter: Filter | undefined, { hasMemoryBlocks }: SessionBody): Filter | undefined {
  if (!hasMemoryBlocks) return filter;
  const block = { key: 'metadata.message.memory', match: { value: true } } as const;
  return { ...(filter && { must: [filter] }), must_not: [block] };
}

/** State first, then what was recalled, the best first; what has no room is left out. */
async function memoryWithin(
  state: readonly string[],
  contexts: QueryOutcome['contexts'],
  left: number,
  tokens: TokenEstimator,
): Promise<{ memory: WindowMessage | null; recalled: Recalled[] }> {
  const found = contexts.map(({ record }) => recalledLine(record.text, record.createdAtMs, messageOf(record)?.role));
  const lines = [...state, ...found];
  if (lines.length === 0) return { memory: null, recalled: [] };
  const [frame = 0, ...costs] = await tokens.count([memoryBlock([]), ...lines]);
  const kept: number[] = [];
  let sum = frame;
  costs.forEach((cost, place) => {
    if (sum + cost + 1 > left) return;
    kept.push(place);
    sum += cost + 1;
  });
  while (kept.length > 0) {
    const content = memoryBlock(kept.map((place) => lines[place] as string));
    const [total = 0] = await tokens.count([content]);
    if (total > left) {
      kept.pop();
      continue;
    }
    const recalled = kept.flatMap((place) => {
      const context = contexts[place - state.length];
      return context === undefined ? [] : [{ record: context.record, relevanceScore: context.relevanceScore }];
    });
    return { memory: { role: 'user', content, kind: 'memory', tokens: total }, recalled };
  }
  return { memory: null, recalled: [] };
}

const COUNTED_AS = { header: 'header', card: 'cards', memory: 'memory', message: 'messages' } as const;

function tokensOf(messages: readonly WindowMessage[]): WindowOutcome['tokens'] {
  const sums = { header: 0, cards: 0, memory: 0, messages: 0, total: 0 };
  for (const { kind, tokens } of messages) {
    sums[COUNTED_AS[kind]] += tokens;
    sums.total += tokens;
  }
  return sums;
}
