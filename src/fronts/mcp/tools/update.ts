import type { JsonObject } from '../../../base/context.ts';
import { badRequest } from '../../../base/errors.ts';
import { TEXT_CHARS_MAX } from '../../../base/wire-limits.ts';
import { isoTime } from '../memory-view.ts';
import { ID_SCHEMA, namespaceOf, TAGS_SCHEMA, type Tool } from './tool.ts';

interface UpdateInput {
  readonly id: string;
  readonly text?: string;
  readonly tags?: readonly string[];
  readonly metadata?: JsonObject;
  readonly if_version?: number;
}

export const update: Tool<UpdateInput> = {
  name: 'update',
  title: 'Update',
  description:
    'Correct a memory that is not true any more: what is given takes the place of what is there, the rest stays.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  inputSchema: {
    type: 'object',
    properties: {
      id: ID_SCHEMA,
      text: { type: 'string', minLength: 1, maxLength: TEXT_CHARS_MAX, description: 'In place of its text.' },
      tags: { ...TAGS_SCHEMA, description: 'In place of all of its tags.' },
      metadata: { type: 'object', description: 'In place of all of its metadata.' },
      if_version: { type: 'integer', minimum: 1, description: 'Only where it still has this version.' },
    },
    required: ['id'],
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: {
      id: { type: 'string' },
      version: { type: 'integer' },
      level: { type: 'string' },
      token_count: { type: 'integer' },
      updated_at: { type: 'string' },
    },
    required: ['id', 'version', 'level', 'token_count', 'updated_at'],
  },
  async run({ id, text, tags, metadata, if_version: version }, { memory, scope }, signal) {
    if (text === undefined && tags === undefined && metadata === undefined)
      throw badRequest('text', 'or tags or metadata must be given: there is nothing to change');
    const { context } = await memory.ask(
      'context.update',
      {
        id,
        ...namespaceOf(scope),
        ...(text === undefined ? {} : { text }),
        ...(tags === undefined ? {} : { tags: [...tags] }),
        ...(metadata === undefined ? {} : { metadata }),
        ...(version === undefined ? {} : { if_version: version }),
      },
      signal,
    );
    return {
      text: `updated: ${context.id} (version ${context.version}, ${context.token_count} tokens)`,
      structured: {
        id: context.id,
        version: context.version,
        level: context.level,
        token_count: context.token_count,
        updated_at: isoTime(context.updated_at),
      },
    };
  },
};
