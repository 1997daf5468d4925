// What must be so, as clients know it: of each text that was ever sent, which of its versions may be there now. One that was
// acknowledged is there; one of which nobody can tell whether it came to be is there or not.

/** Number of a text among those that a context was given; null: it is not there. */
export type State = number | null;

export interface EntryStart {
  readonly mark: string;
  readonly namespace: string;
  readonly agent: string;
  readonly session: string | null;
  readonly id: string | null;
  readonly ttlMs: number | null;
  readonly supersedes: readonly Entry[];
  readonly validFromMs: number | null;
}

/** A context, or a message of a session. */
export class Entry {
  readonly mark: string;
  readonly namespace: string;
  readonly agent: string;
  readonly session: string | null;
  readonly ttlMs: number | null;
  readonly supersedes: readonly Entry[];
  /** As its client named it; null: it named none. */
  readonly validFromMs: number | null;
  /** Null: the client made it, and nobody knows it yet. */
  id: string | null;
  /** A request that changes it is under way, or one of which nobody can tell what became of it. */
  isTaken = true;
  /** When its lifetime ends, as the server said. */
  expiresAtMs: number | null = null;
  createdAtMs: number | null = null;
  /** Its lifetime was over at some moment, so a sweep may have deleted it. */
  wasOver = false;
  /** What the texts are, by number. */
  readonly texts: string[] = [];
  /** How often it was changed until it had each of them. */
  readonly versions: number[] = [];
  readonly supersededBy: Entry[] = [];
  readonly #history: { readonly moment: number; readonly states: ReadonlySet<State> }[] = [];

  constructor(start: EntryStart) {
    this.mark = start.mark;
    this.namespace = start.namespace;
    this.agent = start.agent;
    this.session = start.session;
    this.id = start.id;
    this.ttlMs = start.ttlMs;
    this.supersedes = start.supersedes;
    this.validFromMs = start.validFromMs;
    this.#history.push({ moment: 0, states: new Set([null]) });
    for (const older of start.supersedes) older.supersededBy.push(this);
  }

  /** Gives it another text, and returns its number. */
  addText(text: string, version: number): number {
    this.versions.push(version);
    return this.texts.push(text) - 1;
  }

  /** What may be there now. */
  get states(): ReadonlySet<State> {
    return this.#history.at(-1)!.states;
  }

  /** The one text that is there for certain; null: it is not, or nobody can tell. */
  get certain(): number | null {
    const [only, ...others] = this.states;
    return others.length === 0 && only !== undefined ? only : null;
  }

  set(moment: number, states: Iterable<State>): void {
    this.#history.push({ moment, states: new Set(states) });
  }

  /** What may have been there at any time since `moment`. */
  statesSince(moment: number): ReadonlySet<State> {
    const all = new Set<State>();
    for (let i = this.#history.length - 1; i >= 0; i--) {
      const { moment: at, states } = this.#history[i]!;
      for (const state of states) all.add(state);
      if (at <= moment) break;
    }
    return all;
  }
}

/** Facts of one subject and predicate, of which one holds at a time. */
export interface Succession {
  readonly namespace: string;
  readonly agent: string;
  readonly subject: string;
  readonly facts: { readonly id: string; readonly object: string; readonly validFromMs: number; isCertain: boolean }[];
  isTaken: boolean;
}

export interface Conversation {
  readonly namespace: string;
  readonly agent: string;
  readonly session: string;
  /** In the order of their acknowledgement. */
  readonly batches: { readonly entries: readonly Entry[]; isCertain: boolean }[];
  isTaken: boolean;
}

export class Model {
  readonly entries: Entry[] = [];
  readonly byMark = new Map<string, Entry>();
  readonly conversations: Conversation[] = [];
  readonly successions: Succession[] = [];
  /** Counts changes of what is known: the time of the model. */
  moment = 0;
  #marks = 0;

  nextMark(): string {
    this.#marks += 1;
    return `k${this.#marks}`;
  }

  add(start: Omit<EntryStart, 'mark'>, mark: string): Entry {
    const entry = new Entry({ ...start, mark });
    this.entries.push(entry);
    this.byMark.set(mark, entry);
    return entry;
  }

  set(entry: Entry, states: Iterable<State>): void {
    this.moment += 1;
    entry.set(this.moment, states);
  }

  /** Entries of a namespace whose text is known for certain, and which no request is changing. */
  free(namespace: string): Entry[] {
    return this.entries.filter(
      (entry) => entry.namespace === namespace && !entry.isTaken && entry.certain !== null && !entry.wasOver,
    );
  }

  /** The entry that a text belongs to. */
  ofText(text: string): Entry | undefined {
    return this.byMark.get(text.split(' ', 1)[0] ?? '');
  }
}
