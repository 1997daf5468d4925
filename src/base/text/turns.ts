// Which contexts that belong to no session still belong together: turns of one conversation.

/** Silence that ends a conversation: the half hour that web analytics use (Catledge and Pitkow 1995 measured 25.5 minutes). */
const SILENCE_MAX_MS = 30 * 60_000;

/** What is known of a context's place in a conversation. */
export interface Turn {
  /** The text starts with the name of who speaks (`TextTraits.speaker`): facts and notes do not. */
  readonly hasSpeaker: boolean;
  readonly createdAtMs: number;
}

/** Whether two contexts of one agent, neither with a session and none between them, are turns of one conversation. */
export function followsInConversation(earlier: Turn, later: Turn): boolean {
  return earlier.hasSpeaker && later.hasSpeaker && later.createdAtMs - earlier.createdAtMs <= SILENCE_MAX_MS;
}
