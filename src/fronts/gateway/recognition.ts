/** A message that a session shows, as far as it is compared; null: it stands there as a card, and what it said is not told. */
export interface Shown {
  readonly id: string;
  readonly role: string;
  readonly fingerprint: string | null;
}

export interface Told {
  readonly role: string;
  readonly fingerprint: string;
}

/** How what a client tells of a conversation lies over what its session shows. */
export interface Recognition {
  /** From here on it is new. */
  readonly newFrom: number;
  /** So many messages right before are the same as the session's. */
  readonly run: number;
  /** Place behind the last of these in the session: what stands there the client does not know, or has taken back. */
  readonly shownEnd: number;
}

/** What is looked at of either side, the newest. */
const TOLD_MAX = 512;
const SHOWN_MAX = 256;
/** Messages that a client may have taken back: an answer that it wants anew, or asks for otherwise. */
const TAKEN_BACK_MAX = 8;

/**
 * Clients tell all of a conversation again, or its end, or only what is new; sometimes without the last answer, or with another question
 * in place of the last. What is told from some place on is what the session does not show yet.
 */
export function recognise(shown: readonly Shown[], told: readonly Told[]): Recognition {
  const nothing = { newFrom: 0, run: 0, shownEnd: shown.length };
  // One message alone is said again only where nobody has answered it.
  const takenBackMax = told.length === 1 ? 0 : TAKEN_BACK_MAX;
  let best = nothing;
  for (let end = shown.length; end > 0 && end >= shown.length - takenBackMax; end--) {
    const found = longestRun(shown, told, end);
    if (found === null) continue;
    if (found.isComplete) return found;
    if (found.run > best.run) best = found;
  }
  // A single message that is alike may be so by chance, unless it is the last answer.
  const isLastAnswer = best.run === 1 && best.shownEnd === shown.length && shown.at(-1)?.role === 'assistant';
  return best.run >= 2 || isLastAnswer ? best : nothing;
}

/** The longest that ends with the session's message before `end`. Complete: it reaches the beginning of either side. */
function longestRun(
  shown: readonly Shown[],
  told: readonly Told[],
  end: number,
): (Recognition & { readonly isComplete: boolean }) | null {
  let best: (Recognition & { readonly isComplete: boolean }) | null = null;
  for (let last = told.length - 1; last >= Math.max(0, told.length - TOLD_MAX); last--) {
    let run = 0;
    while (run <= last && run < end && run < SHOWN_MAX && isSame(shown[end - 1 - run], told[last - run])) run++;
    if (run === 0) continue;
    const isComplete = run === last + 1 || run === end || run === SHOWN_MAX;
    const isBetter =
      best === null || (isComplete && !best.isComplete) || (isComplete === best.isComplete && run > best.run);
    if (isBetter) best = { newFrom: last + 1, run, shownEnd: end, isComplete };
  }
  return best;
}

function isSame(one: Shown | undefined, other: Told | undefined): boolean {
  if (one === undefined || other === undefined || one.role !== other.role) return false;
  return one.fingerprint === null || one.fingerprint === other.fingerprint;
}
