import { badRequest } from '../../../base/errors.ts';
import { DATA_NOTICE, isoTime, MEMORY_VIEW_SCHEMA, QUOTE_NOTICE, quotedLines, toView } from '../memory-view.ts';
import type { Answer } from '../reply-budget.ts';
import { escapeControls } from '../../../base/control-characters.ts';
import { ID_SCHEMA, MAX_TOKENS_SCHEMA, namespaceOf, READS, type Tool, type ToolDeps } from './tool.ts';

interface ExpandInput {
  readonly id: string;
  readonly offset?: number;
  readonly max_tokens?: number;
}

/** Of what the reply may take, metadata may have so much. */
const METADATA_SHARE_MAX = 1 / 4;

export const expand: Tool<ExpandInput> = {
  name: 'expand',
  title: 'Expand',
  description: 'The whole text of one memory and all that is kept with it. A text that is too long comes in parts.',
  annotations: READS,
  inputSchema: {
    type: 'object',
    properties: {
      id: ID_SCHEMA,
      offset: { type: 'integer', minimum: 0, description: 'Where to begin: the next_offset of a text that is cut.' },
      max_tokens: MAX_TOKENS_SCHEMA,
    },
    required: ['id'],
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: {
      notice: { type: 'string' },
      ...MEMORY_VIEW_SCHEMA.properties,
      offset: { type: 'integer', description: 'Where the text that is shown begins.' },
      level: { type: 'string' },
      version: { type: 'integer' },
      updated_at: { type: 'string' },
      expires_at: { type: 'string' },
      metadata: { type: 'object' },
      metadata_omitted: { type: 'boolean', description: 'There is metadata that is too long to be shown.' },
    },
    required: ['notice', 'id', 'text', 'created_at', 'offset'],
  },
  run: (input, deps, signal) => expanded(input, deps, signal),
};

/** One memory from `offset` of its text on, as an answer within the budget. */
export async function expanded(input: ExpandInput, deps: ToolDeps, signal: AbortSignal): Promise<Answer> {
  const { id, offset = 0 } = input;
  const { memory, scope } = deps;
  const budget = deps.budget.within(input.max_tokens);
  const { context } = await memory.ask('context.get', { id, ...namespaceOf(scope) }, signal);
  if (offset > context.text.length)
    throw badRequest('offset', `must be at most ${context.text.length}, the length of the text`);
  const isSmall = budget.isWithin(JSON.stringify(context.metadata), METADATA_SHARE_MAX);
  const about = {
    level: context.level,
    version: context.version,
    updated_at: isoTime(context.updated_at),
    ...(context.expires_at === undefined ? {} : { expires_at: isoTime(context.expires_at) }),
    ...(Object.keys(context.metadata).length === 0
      ? {}
      : isSmall
        ? { metadata: context.metadata }
        : { metadata_omitted: true }),
  };
  const answer = (isBare: boolean): Answer =>
    budget.part(context.text, offset, (text) => {
      const end = offset + text.length;
      const rest = end < context.text.length ? { next_offset: end, total_characters: context.text.length } : {};
      const shown = { ...toView(context, { isBare }), ...about, ...rest };
      const head = Object.entries(shown).filter(([name]) => name !== 'text');
      const lines = head.map(([name, value]) => escapeControls(`${name}: ${JSON.stringify(value)}`));
      return {
        text: [...lines, QUOTE_NOTICE, quotedLines(text)].join('\n'),
        structured: { notice: DATA_NOTICE, ...shown, offset, text },
      };
    });
  const whole = answer(false);
  return budget.fits(whole) ? whole : answer(true);
}
