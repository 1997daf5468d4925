// Which contexts that belong to no session still belong together: turns of one conversation.

/** Silence that ends a conversation: the half hour that web analytics use (Catledge and Pitkow 1995 measured 25.5 minutes). */
const SILENCE_MAX_MS = 30 * 60_000;
/** Of contexts of which nothing but their time says that they are turns: an answer comes within minutes, */
const UNNAMED_SILENCE_MAX_MS = 5 * 60_000;
/** and nobody says the next thing within half a second. A program stores facts so fast, and a batch has one time. */
const UNNAMED_SILENCE_MIN_MS = 500;

/** What is known of a context's place in a conversation. */
export interface Turn {
  /** The text starts with the name of who speaks (`TextTraits.speaker`): facts and notes do not. */
  readonly hasSpeaker: boolean;
  readonly createdAtMs: number;
}

/** Whether two contexts of one agent, neither with a session and none between them, are turns of one conversation. */
export function followsInConversation(earlier: Turn, later: Turn): boolean {
  const silenceMs = later.createdAtMs - earlier.createdAtMs;
  if (earlier.hasSpeaker && later.hasSpeaker) return silenceMs <= SILENCE_MAX_MS;
  if (earlier.hasSpeaker || later.hasSpeaker) return false;
  return silenceMs >= UNNAMED_SILENCE_MIN_MS && silenceMs <= UNNAMED_SILENCE_MAX_MS;
}
