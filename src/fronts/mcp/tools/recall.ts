import { DATA_NOTICE, MEMORY_VIEW_SCHEMA, QUOTE_NOTICE, quoted } from '../memory-view.ts';
import { FACT_VIEWS_SCHEMA, factViewsWithin, quotedFacts } from '../fact-view.ts';
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

interface RecallInput extends Narrowing {
  readonly query: string;
  readonly limit?: number;
  readonly max_tokens?: number;
  readonly session_id?: string;
  readonly facts?: boolean;
}

const LIMIT = 10;
/** Long texts are cut here, where it can be told; the server would leave them out. */
const ASKED_TOKENS = 400_000;

export const recall: Tool<RecallInput> = {
  name: 'recall',
  title: 'Recall',
  description:
    'Find what was remembered about something, best first. Ask in words, as you would ask a colleague. Long texts are cut: expand shows the rest.',
  annotations: READS,
  inputSchema: {
    type: 'object',
    properties: {
      query: { type: 'string', minLength: 1, maxLength: 16_384, description: 'What to look for, in words.' },
      limit: limitSchema(LIMIT),
      max_tokens: MAX_TOKENS_SCHEMA,
      session_id: { ...SESSION_SCHEMA, description: 'Only what belongs to this session, or to none.' },
      facts: {
        type: 'boolean',
        description: 'Also what is known of names in the question. Name them as they are spelled.',
      },
      ...NARROWING_SCHEMAS,
    },
    required: ['query'],
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: {
      notice: { type: 'string' },
      memories: { type: 'array', items: MEMORY_VIEW_SCHEMA },
      facts: FACT_VIEWS_SCHEMA,
      omitted: { type: 'integer', description: 'Found, and left out to keep the reply short.' },
      degraded: { type: 'array', items: { type: 'string' }, description: 'Parts of the memory that did not answer.' },
    },
    required: ['notice', 'memories', 'omitted'],
  },
  run: (input, deps, signal) => recalled(input, deps, signal),
};

/** What is remembered about a question, as an answer within the budget. */
export async function recalled(input: RecallInput, deps: ToolDeps, signal: AbortSignal): Promise<Answer> {
  const { memory, scope, budget } = deps;
  const {
    contexts,
    metadata,
    facts: known,
  } = await memory.ask(
    'context.query',
    {
      query: input.query,
      limit: input.limit ?? LIMIT,
      max_tokens: ASKED_TOKENS,
      ...(input.facts === true && { facts: true }),
      ...readScope(scope, input.session_id),
      ...filterOf(input),
    },
    signal,
  );
  const degraded = [...new Set(metadata.degraded.map(({ level, code }) => `${level}: ${code}`))];
  const own = budget.within(input.max_tokens);
  const facts = known === undefined ? undefined : factViewsWithin(known, own);
  return own.fit(contexts, (memories, omitted) => {
    const found = `${contexts.length === 0 ? 'Nothing is remembered about this' : `${contexts.length} found, best first`}.`;
    const lines = [
      found,
      ...(degraded.length === 0 ? [] : [`Not all of the memory answered: ${degraded.join(', ')}.`]),
      ...(omitted === 0 ? [] : [`${omitted} left out to keep this short: ask more narrowly, or with max_tokens.`]),
      ...(memories.length === 0 && (facts ?? []).length === 0 ? [] : [QUOTE_NOTICE]),
      ...(facts === undefined || facts.length === 0 ? [] : ['Known now:', quotedFacts(facts)]),
      ...memories.map((view, place) => quoted(view, place + 1)),
    ];
    return {
      text: lines.join('\n'),
      structured: {
        notice: DATA_NOTICE,
        ...(facts && { facts }),
        memories,
        omitted,
        ...(degraded.length === 0 ? {} : { degraded }),
      },
    };
  });
}
