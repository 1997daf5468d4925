import { escapeControlsInLines } from '../../base/control-characters.ts';

/** Why something could not be done, and what to do about it. */
export interface Explanation {
  /** Of the wire protocol or of the client; absent: the memory was never asked. */
  readonly code?: string;
  readonly message: string;
  readonly remedy?: string;
}

/** What whoever calls the tools can do; what only an operator can do is said by the door. */
const REMEDIES: Readonly<Record<string, string>> = {
  BAD_REQUEST: 'Correct the argument that is named, and call the tool again.',
  NOT_FOUND: 'There is no memory with this id any more: recall or recent give the ids that there are.',
  CONFLICT: 'It was changed meanwhile: expand it, and update what is there now.',
  PAYLOAD_TOO_LARGE: 'Store it in several parts.',
  FORBIDDEN: "The memory's key does not allow this: tell the user that another key is needed.",
  RATE_LIMITED: 'Wait a moment, then try again.',
  OVERLOADED: 'Wait a moment, then try again.',
  DEADLINE_EXCEEDED: 'Try again, perhaps with a narrower question.',
  SHUTTING_DOWN: 'Try again in a moment.',
  EMBEDDING_UNAVAILABLE: 'Try again later, and tell the user that the embedding service does not answer.',
  STORE_UNAVAILABLE: 'Nothing was changed. Try again later, and tell the user that the store does not answer.',
};

/** `elsewhere`: what the door knows about errors that come of its way to the memory. */
export function explainError(error: unknown, elsewhere: (error: unknown) => Explanation): Explanation {
  const explained = elsewhere(error);
  const remedy = REMEDIES[explained.code ?? ''] ?? explained.remedy;
  return remedy === undefined ? explained : { ...explained, remedy };
}

/** In one text: what it is, why, what to do. */
export function errorText({ code, message, remedy }: Explanation): string {
  const reason = code === undefined ? message : `${code}: ${message}`;
  return escapeControlsInLines(remedy === undefined ? reason : `${reason}\n${remedy}`);
}
