// What calls ask ahead, without the thread that answers: each question takes a place there until it is given back.

import { describe, expect, it } from 'vitest';
import type { WireCall, WireSearch } from '../../../../src/store/embedded/border/messages.ts';
import type { AheadSearch } from '../../../../src/store/embedded/hnsw/search-ahead.ts';
import { NamespaceIndex } from '../../../../src/store/embedded/memory/namespace-index.ts';
import { SearchCalls, type SearchCallsDeps } from '../../../../src/store/embedded/search-calls.ts';

const DIMENSION = 4;
const VECTORS = new Float32Array(DIMENSION).fill(0.5);
const LARGE = { count: 100_000, efSearch: 128, m: 16, twin: {} };
const REQUEST = {
  namespace: 'space',
  agentId: null,
  sessionId: null,
  includeSessionless: true,
  filter: null,
  levels: [1],
  createdWithin: [],
  vector: 0,
  terms: [],
  candidates: 10,
  nowMs: 0,
  time: null,
} as unknown as WireSearch;

/** Calls over one namespace with a large graph; `askAhead` asks for it. */
function callsThat(askAhead: (search: AheadSearch) => void) {
  let open = 0;
  const search = { asksNothing: true, expectedNs: 0, end: () => (open = 0) };
  const index = new NamespaceIndex(() => null, { isEmpty: true, read: () => null });
  Object.assign(index, { vectors: () => ({ segments: [LARGE] }) });
  const deps = {
    dimension: DIMENSION,
    spaces: { get: () => ({ id: 1 }) },
    indexes: { peek: () => index },
    ahead: { hasRoom: true, begin: () => search },
    dense: {
      askAhead(_vectors: object, _query: object, asked: AheadSearch) {
        askAhead(asked);
      },
    },
  };
  const calls = new SearchCalls(deps as unknown as SearchCallsDeps);
  const call = { id: 7, kind: 'search', body: REQUEST } as WireCall;
  return {
    calls,
    ask() {
      open++;
      search.asksNothing = false;
    },
    announce: () => calls.announce(call, VECTORS),
    forget: () => calls.forget(7),
    get open() {
      return open;
    },
  };
}

describe('what is asked ahead', () => {
  it('is given back when nobody waits for it, also where it is expected to take no time', () => {
    const world = callsThat(() => world.ask());
    world.announce();
    expect(world.open).toBe(1);
    world.forget();
    expect(world.open).toBe(0);
  });

  it('is given back where asking fails, which the call that is run will answer for', () => {
    const world = callsThat(() => {
      world.ask();
      throw new RangeError('Array buffer allocation failed');
    });
    world.announce();
    expect(world.open).toBe(0);
  });
});
