import type { Context } from '../../protocol/messages.generated.ts';
import type { ImportLine } from './line.ts';

/** A context as a line that `checkLine` reads, with its line break; fields that say nothing are left out. */
export function toExportLine(context: Context): string {
  const { tags, metadata, session_id: sessionId } = context;
  const line: ImportLine = {
    id: context.id,
    namespace: context.namespace,
    text: context.text,
    level: context.level,
    agent_id: context.agent_id,
    ...(sessionId === undefined ? {} : { session_id: sessionId }),
    created_at: context.created_at,
    ...(tags.length === 0 ? {} : { tags: [...tags] }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  };
  return `${JSON.stringify(line)}\n`;
}
