import { badRequest } from '../../../base/errors.ts';
import { parseDateTime } from '../../../base/date-time.ts';
import { EVERY_AGENT } from '../../../base/wire-names.ts';
import type { Filter } from '../../../protocol/messages.generated.ts';
import type { MemoryPort, MemoryScope } from '../memory-port.ts';
import type { Answer, ReplyBudget } from '../reply-budget.ts';

/** What the tools work with. */
export interface ToolDeps {
  readonly memory: MemoryPort;
  readonly scope: MemoryScope;
  readonly budget: ReplyBudget;
}

/** JSON Schema of an object. */
export interface ObjectSchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
}

/** What a client may do with a tool without asking its user. */
export interface ToolAnnotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  /** The memory is a closed world. */
  readonly openWorldHint: false;
}

export interface Tool<Input extends object = object> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly annotations: ToolAnnotations;
  readonly inputSchema: ObjectSchema;
  readonly outputSchema: ObjectSchema;
  /** `input` has passed the schema. Rejects with what the memory says. */
  run(input: Input, deps: ToolDeps, signal: AbortSignal): Promise<Answer>;
}

export const READS: ToolAnnotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

export const ID_SCHEMA = {
  type: 'string',
  pattern: '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$',
  description: 'Id of a memory, as recall and recent show it.',
} as const;
export const TAGS_SCHEMA = { type: 'array', maxItems: 64, items: { type: 'string', minLength: 1, maxLength: 128 } };
export const SESSION_SCHEMA = { type: 'string', minLength: 1, maxLength: 256 } as const;
export const MAX_TOKENS_SCHEMA = {
  type: 'integer',
  minimum: 200,
  maximum: 1_000_000,
  description: 'Keep the reply within so many tokens, less than it would take otherwise.',
} as const;

export function limitSchema(byDefault: number): object {
  return {
    type: 'integer',
    minimum: 1,
    maximum: 50,
    description: `Memories at most. Default: ${byDefault}.`,
  };
}

/** Where a tool acts. */
export function namespaceOf({ namespace }: MemoryScope): { namespace?: string } {
  return namespace === undefined ? {} : { namespace };
}

/** Whose memory is read. */
export function readScope(scope: MemoryScope, sessionId = scope.sessionId): object & { agent_id: string } {
  return {
    ...namespaceOf(scope),
    agent_id: scope.agentId ?? EVERY_AGENT,
    ...(sessionId === undefined ? {} : { session_id: sessionId }),
  };
}

export interface Narrowing {
  readonly tags?: readonly string[];
  readonly since?: string;
  readonly until?: string;
}

export const NARROWING_SCHEMAS = {
  tags: { ...TAGS_SCHEMA, maxItems: 16, description: 'Only memories that have each of these tags.' },
  since: { type: 'string', description: 'Only from this moment on: 2027-01-31 or 2027-01-31T08:00:00Z.' },
  until: { type: 'string', description: 'Only from before this moment.' },
};

/** Throws `BAD_REQUEST` where a time is none. */
export function filterOf({ tags = [], since, until }: Narrowing): { filter?: Filter } {
  const range = {
    ...(since === undefined ? {} : { gte: momentOf('since', since) }),
    ...(until === undefined ? {} : { lt: momentOf('until', until) }),
  };
  const must = [
    ...tags.map((value) => ({ key: 'tags', match: { value } })),
    ...(Object.keys(range).length === 0 ? [] : [{ key: 'created_at', range }]),
  ];
  return must.length === 0 ? {} : { filter: { must } };
}

function momentOf(field: string, text: string): number {
  const timeMs = parseDateTime(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (timeMs === null) throw badRequest(field, 'must be a date or a moment with its zone, as 2027-01-31T08:00:00Z');
  return timeMs;
}
