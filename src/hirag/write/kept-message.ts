import type { ContextRecord, JsonObject, JsonValue } from '../../base/context.ts';

/** Where a context that is a message of a conversation says so in its metadata. */
export const MESSAGE_KEY = 'message';

/** What an update of a context's metadata makes of it: a message stays one. */
export function keepMessage({ metadata: before }: ContextRecord, metadata: JsonObject): JsonObject {
  if (!(MESSAGE_KEY in before) || MESSAGE_KEY in metadata || !isMessage(before[MESSAGE_KEY])) return metadata;
  return { ...metadata, [MESSAGE_KEY]: before[MESSAGE_KEY] };
}

function isMessage(value: JsonValue | undefined): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && 'role' in value;
}
