import type { Context } from '../../protocol/messages.generated.ts';
import type { ImportLine } from './line.ts';

/** As it was stored: an end that another context gave it comes with that one. */
function validityOf(context: Context): Pick<ImportLine, 'valid_from' | 'valid_until' | 'supersedes'> {
  const { created_at: created, valid_from: from, superseded_by: by, supersedes } = context;
  const until = by === undefined ? context.valid_until : context.stated_until;
  return {
    ...(from === created ? {} : { valid_from: from }),
    ...(until === undefined ? {} : { valid_until: until }),
    ...(supersedes === undefined ? {} : { supersedes }),
  };
}

/** A context as a line that `checkLine` reads, with its line break; fields that say nothing are left out. */
export function toExportLine(context: Context): string {
  const { tags, metadata, session_id: sessionId, expires_at: expiresAt } = context;
  const line: ImportLine = {
    id: context.id,
    namespace: context.namespace,
    text: context.text,
    level: context.level,
    agent_id: context.agent_id,
    ...(sessionId === undefined ? {} : { session_id: sessionId }),
    created_at: context.created_at,
    // A level's own lifetime starts anew where it is imported: only what a client set is part of the context.
    ...(expiresAt === undefined || context.expires_by !== undefined ? {} : { expires_at: expiresAt }),
    ...validityOf(context),
    ...(tags.length === 0 ? {} : { tags: [...tags] }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  };
  return `${JSON.stringify(line)}\n`;
}
