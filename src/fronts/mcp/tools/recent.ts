import type { ContextListReply } from '../../../protocol/messages.generated.ts';
import { DATA_NOTICE, MEMORY_VIEW_SCHEMA, QUOTE_NOTICE, quoted } from '../memory-view.ts';
import type { Answer } from '../reply-budget.ts';
import {
  filterOf,
  limitSchema,
  MAX_TOKENS_SCHEMA,
  NARROWING_SCHEMAS,
  readScope,
  READS,
  SESSION_SCHEMA,
  type Narrowing,
  type Tool,
  type ToolDeps,
} from './tool.ts';

interface RecentInput extends Narrowing {
  readonly limit?: number;
  readonly max_tokens?: number;
  readonly session_id?: string;
  readonly cursor?: string;
}

const LIMIT = 10;
/** That of a page is known when what has room of it is: it is measured with the longest. */
const LONGEST_CURSOR = 'x'.repeat(160);

export const recent: Tool<RecentInput> = {
  name: 'recent',
  title: 'Recent memories',
  description:
    'The memories that came last, newest first, without a question. The cursor of a reply gives those before.',
  annotations: READS,
  inputSchema: {
    type: 'object',
    properties: {
      limit: limitSchema(LIMIT),
      max_tokens: MAX_TOKENS_SCHEMA,
      session_id: { ...SESSION_SCHEMA, description: 'Only those of this session.' },
      cursor: {
        type: 'string',
        minLength: 1,
        maxLength: 1024,
        description: 'Of the reply before, for what follows it.',
      },
      ...NARROWING_SCHEMAS,
    },
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: {
      notice: { type: 'string' },
      memories: { type: 'array', items: MEMORY_VIEW_SCHEMA },
      cursor: { type: 'string', description: 'There are more: call recent with it.' },
    },
    required: ['notice', 'memories'],
  },
  run: (input, deps, signal) => latest(input, deps, signal),
};

/** What came last, as an answer within the budget, and a cursor to what has no room in it. */
export async function latest(input: RecentInput, deps: ToolDeps, signal: AbortSignal): Promise<Answer> {
  const { memory, scope, budget } = deps;
  const page = (limit: number): Promise<ContextListReply> =>
    memory.ask(
      'context.list',
      {
        limit,
        ...readScope(scope, input.session_id),
        ...filterOf(input),
        ...(input.cursor === undefined ? {} : { cursor: input.cursor }),
      },
      signal,
    );
  const { contexts, cursor } = await page(input.limit ?? LIMIT);
  let shown = 0;
  const answerWith = (next: string | undefined): Answer =>
    budget.within(input.max_tokens).fit(contexts, (memories) => {
      shown = memories.length;
      const lines = [
        contexts.length === 0 ? 'There is nothing.' : `${shown}, newest first.`,
        ...(next === undefined ? [] : [`There are more: cursor ${next}`]),
        ...(shown === 0 ? [] : [QUOTE_NOTICE, ...memories.map((view, place) => quoted(view, place + 1))]),
      ];
      return {
        text: lines.join('\n'),
        structured: { notice: DATA_NOTICE, memories, ...(next === undefined ? {} : { cursor: next }) },
      };
    });
  const whole = answerWith(cursor);
  if (shown === contexts.length) return whole;
  answerWith(LONGEST_CURSOR);
  // Of the last one that has room: what was left out comes next.
  const upToHere = await page(Math.max(1, shown));
  return answerWith(upToHere.cursor);
}
