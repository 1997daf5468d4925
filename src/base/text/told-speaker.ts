// Who says a text whose own beginning does not tell it: what its metadata say.

import type { JsonObject, JsonValue } from '../context.ts';
import { isRole } from './labels.ts';
import { foldText, segmentWords } from './segment.ts';

/** Of what somebody says of whom only the role is known. It is part of a conversation, and no word of a question names it. */
const SOMEBODY: readonly string[] = ['~'];
const NOBODY: readonly string[] = [];
const NAME_CHARS_MAX = 40;
const WORDS_MAX = 4;
/** Nothing else can be a speaker in JSON. */
const MAY_TELL = /"(?:speaker|author|role)"/;

/** As `TextTraits.speaker`. A `name` is one's only beside a role: else it may be anything's. */
export function speakerInMetadata(metadata: JsonObject): readonly string[] {
  const { speaker, author, role, name, message } = metadata;
  for (const given of [speaker, author]) if (isGiven(given)) return wordsOf(given);
  if (isGiven(role) && isRole(foldText(role))) return isGiven(name) ? wordsOf(name) : SOMEBODY;
  return isObject(message) ? speakerInMetadata({ ...message, message: null }) : NOBODY;
}

/** The same of metadata as JSON; of what is damaged nobody. */
export function speakerInJson(metadata: string): readonly string[] {
  if (!MAY_TELL.test(metadata)) return NOBODY;
  try {
    return speakerInMetadata(JSON.parse(metadata) as JsonObject);
  } catch {
    return NOBODY;
  }
}

function isGiven(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.length <= NAME_CHARS_MAX;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wordsOf(name: string): readonly string[] {
  const folded = foldText(name);
  if (isRole(folded)) return SOMEBODY;
  const words = segmentWords(folded);
  return words.length <= WORDS_MAX ? words : NOBODY;
}
