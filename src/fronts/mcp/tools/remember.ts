import type { JsonObject, Level } from '../../../base/context.ts';
import { uuidV8 } from '../../../base/random.ts';
import { TEXT_CHARS_MAX } from '../../../base/wire-limits.ts';
import type { ContextStoreReply, NewContext } from '../../../protocol/messages.generated.ts';
import type { MemoryPort } from '../memory-port.ts';
import { namespaceOf, SESSION_SCHEMA, TAGS_SCHEMA, type Tool } from './tool.ts';

interface RememberInput {
  readonly text: string;
  readonly tags?: readonly string[];
  readonly session_id?: string;
  readonly metadata?: JsonObject;
  readonly level?: Level;
  readonly expires_in_days?: number;
}

const DAY_MS = 86_400_000;
/** Under the first ids there may be texts that were changed since. */
const ATTEMPTS = 8;

export const remember: Tool<RememberInput> = {
  name: 'remember',
  title: 'Remember',
  description:
    'Store one thing worth knowing later: a fact, a preference, a decision and why it was made. One thing a call, in words that make sense by themselves. The same text again changes nothing.',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  inputSchema: {
    type: 'object',
    properties: {
      text: { type: 'string', minLength: 1, maxLength: TEXT_CHARS_MAX, description: 'What to remember.' },
      tags: { ...TAGS_SCHEMA, description: 'Short words to find it by.' },
      session_id: { ...SESSION_SCHEMA, description: 'The conversation that it belongs to. Default: none.' },
      metadata: { type: 'object', description: 'Anything that is to be kept with it.' },
      level: {
        enum: ['immediate', 'short_term', 'long_term'],
        description: 'How long it matters. Default: long_term, or immediate for what belongs to a session.',
      },
      expires_in_days: {
        type: 'number',
        exclusiveMinimum: 0,
        maximum: 36_500,
        description: 'Forget it after so long.',
      },
    },
    required: ['text'],
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: {
      id: { type: 'string' },
      created: { type: 'boolean', description: 'False: it was remembered already.' },
      level: { type: 'string' },
      token_count: { type: 'integer' },
    },
    required: ['id', 'created', 'level', 'token_count'],
  },
  async run(input, { memory, scope }, signal) {
    const { text, tags, metadata, expires_in_days: days, session_id: sessionId = scope.sessionId } = input;
    const level = input.level ?? (sessionId === undefined ? 'long_term' : undefined);
    const context: NewContext = {
      text,
      ...namespaceOf(scope),
      ...(scope.agentId === undefined ? {} : { agent_id: scope.agentId }),
      ...(sessionId === undefined ? {} : { session_id: sessionId }),
      ...(tags === undefined ? {} : { tags: [...tags] }),
      ...(metadata === undefined ? {} : { metadata }),
      ...(level === undefined ? {} : { level }),
      ...(days === undefined ? {} : { ttl_ms: Math.max(1, Math.round(days * DAY_MS)) }),
    };
    const stored = await store(memory, context, [scope.agentId ?? '', sessionId ?? '', text], signal);
    const { id, created, level: kept, token_count: tokens } = stored;
    return {
      text: `${created ? 'remembered' : 'remembered already'}: ${id} (${kept}, ${tokens} tokens)`,
      structured: { id, created, level: kept, token_count: tokens },
    };
  },
};

/** Under an id that is made of what it is, so that the same is stored once, however often and by whomever it is sent. */
async function store(
  memory: MemoryPort,
  context: NewContext,
  parts: readonly string[],
  signal: AbortSignal,
): Promise<ContextStoreReply> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await memory.ask('context.store', { ...context, id: uuidV8([...parts, attempt]) }, signal);
    } catch (error) {
      // What was remembered under this id says something else by now.
      const isTaken = error instanceof Error && 'code' in error && error.code === 'CONFLICT';
      if (!isTaken || attempt === ATTEMPTS) throw error;
    }
  }
}
