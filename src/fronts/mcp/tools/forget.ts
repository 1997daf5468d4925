import { ID_SCHEMA, namespaceOf, type Tool } from './tool.ts';

interface ForgetInput {
  readonly ids: readonly string[];
}

export const forget: Tool<ForgetInput> = {
  name: 'forget',
  title: 'Forget',
  description: 'Delete memories for good, by their ids. What is only out of date is better updated.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  inputSchema: {
    type: 'object',
    properties: { ids: { type: 'array', minItems: 1, maxItems: 20, uniqueItems: true, items: ID_SCHEMA } },
    required: ['ids'],
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: {
      deleted: { type: 'integer' },
      not_found: { type: 'array', items: { type: 'string' }, description: 'Ids under which there was nothing.' },
    },
    required: ['deleted', 'not_found'],
  },
  async run({ ids }, { memory, scope }, signal) {
    const replies = await Promise.all(
      ids.map((id) => memory.ask('context.delete', { id, ...namespaceOf(scope) }, signal)),
    );
    const missing = ids.filter((_id, place) => replies[place]?.deleted === 0);
    const deleted = ids.length - missing.length;
    const text = `${deleted} forgotten${missing.length === 0 ? '' : `; not there: ${missing.join(', ')}`}`;
    return { text, structured: { deleted, not_found: missing } };
  },
};
