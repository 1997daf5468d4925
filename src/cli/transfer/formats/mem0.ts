import { LineError } from '../line.ts';
import { fieldsOf, lineOf, objectOf, textOf, textsOf, timeOf, told, type ForeignFormat } from './foreign-format.ts';

/** What `get_all` and exports of mem0 give: `{"results": [{"id", "memory", "user_id", "created_at", ...}]}`, or the array alone. */
export const mem0: ForeignFormat = {
  noun: 'memory',
  arrays: { results: 'memory', memories: 'memory' },
  *lines(element) {
    const memory = fieldsOf(element);
    const text = textOf(memory, 'memory', 'text', 'data');
    if (text === undefined) throw new LineError('field `memory` must be text');
    yield {
      content: lineOf('mem0', {
        text,
        sourceId: textOf(memory, 'id'),
        agentId: textOf(memory, 'agent_id'),
        sessionId: textOf(memory, 'run_id', 'session_id'),
        createdAtMs: timeOf(memory, 'created_at'),
        expiresAtMs: timeOf(memory, 'expiration_date'),
        tags: textsOf(memory['categories']),
        metadata: {
          ...objectOf(memory['metadata']),
          ...told({
            user_id: textOf(memory, 'user_id'),
            app_id: textOf(memory, 'app_id'),
            actor_id: textOf(memory, 'actor_id'),
            updated_at: textOf(memory, 'updated_at'),
          }),
        },
      }),
    };
  },
};
