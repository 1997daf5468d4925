import { useEffect, useRef, useState } from 'preact/hooks';
import type { Context, ContextListRequest, Level } from '../../../src/protocol/messages.generated.ts';
import type { RequestError } from '../api/client.ts';
import { ask } from '../api/requests.ts';
import { toRequestError } from '../api/use-answer.ts';
import { line } from '../format/texts.ts';

/** What a list shows of a context: a hundred thousand whole ones would fill the browser. */
export interface Row {
  readonly id: string;
  readonly agentId: string;
  readonly sessionId: string | null;
  readonly level: Level;
  readonly preview: string;
  readonly tokenCount: number;
  readonly tags: readonly string[];
  readonly createdAt: number;
}

export interface Listing {
  readonly rows: readonly Row[];
  readonly state: 'loading' | 'more' | 'end' | 'problem';
  readonly error: RequestError | null;
}

const FIRST_PAGE = 100;
const NEXT_PAGES = 500;
const PREVIEW_CHARS = 200;
const TAGS_SHOWN = 4;

const NOTHING: Listing = { rows: [], state: 'loading', error: null };

/** All that `request` finds, newest first, page by page as `more` is called. A new request begins anew. */
export function useListing(request: ContextListRequest): { listing: Listing; more: () => void; again: () => void } {
  const [listing, setListing] = useState(NOTHING);
  const walk = useRef<Walk | null>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    const own = new Walk(request, setListing);
    walk.current = own;
    setListing(NOTHING);
    own.next();
    return () => own.end();
  }, [JSON.stringify(request), round]);
  return { listing, more: () => walk.current?.next(), again: () => setRound((before) => before + 1) };
}

/** One way through the pages. */
class Walk {
  readonly #request: ContextListRequest;
  readonly #told: (listing: Listing) => void;
  readonly #aborter = new AbortController();
  #rows: readonly Row[] = [];
  #cursor: string | undefined;
  #isAsking = false;
  #isDone = false;

  constructor(request: ContextListRequest, told: (listing: Listing) => void) {
    this.#request = request;
    this.#told = told;
  }

  /** Asks for the next page, unless one is under way or there is none. */
  next(): void {
    if (this.#isAsking || this.#isDone) return;
    this.#isAsking = true;
    if (this.#rows.length > 0) this.#tell('loading');
    void this.#ask();
  }

  end(): void {
    this.#isDone = true;
    this.#aborter.abort();
  }

  async #ask(): Promise<void> {
    const cursor = this.#cursor;
    const limit = cursor === undefined ? FIRST_PAGE : NEXT_PAGES;
    try {
      const page = await ask(
        'context.list',
        { ...this.#request, limit, ...(cursor === undefined ? {} : { cursor }) },
        this.#aborter.signal,
      );
      this.#rows = this.#rows.concat(page.contexts.map(rowOf));
      this.#cursor = page.cursor;
      this.#isDone ||= page.cursor === undefined;
      this.#tell(page.cursor === undefined ? 'end' : 'more');
    } catch (error) {
      this.#tell('problem', toRequestError(error));
    } finally {
      this.#isAsking = false;
    }
  }

  #tell(state: Listing['state'], error: RequestError | null = null): void {
    if (!this.#aborter.signal.aborted) this.#told({ rows: this.#rows, state, error });
  }
}

function rowOf(context: Context): Row {
  return {
    id: context.id,
    agentId: context.agent_id,
    sessionId: context.session_id ?? null,
    level: context.level,
    preview: line(context.text, PREVIEW_CHARS),
    tokenCount: context.token_count,
    tags: context.tags.slice(0, TAGS_SHOWN),
    createdAt: context.created_at,
  };
}
