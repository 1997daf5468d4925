import { Store } from '../state/store.ts';
import { call, RequestError } from './client.ts';
import type { Figures } from './figures.ts';

/** How it stands with the stream of figures. */
export type LiveState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** `nextTryAt`: null while one is under way. */
  | { readonly kind: 'lost'; readonly error: RequestError; readonly nextTryAt: number | null }
  /** Nobody is logged in, and figures are shown to nobody else. */
  | { readonly kind: 'off' };

export interface Point {
  readonly at: number;
  readonly perSecond: number;
  readonly failedPerSecond: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

export const HISTORY_MS = 5 * 60_000;
const RETRY_MS = 3_000;
/** A stream that brings nothing this long is a lost one, even if the connection still stands. */
const SILENCE_MS = 8_000;

export const liveState = new Store<LiveState>({ kind: 'off' });
export const figures = new Store<Figures | null>(null);
/** Of the last five minutes, oldest first. */
export const points = new Store<readonly Point[]>([]);

let source: EventSource | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
/** Another one whenever the stream begins or ends: what was asked in an earlier one says nothing of now. */
let turn = {};

/** Begins, or begins anew. */
export function startLive(): void {
  pauseLive();
  if (liveState.value.kind === 'lost') liveState.set({ ...liveState.value, nextTryAt: null });
  else liveState.set({ kind: 'connecting' });
  source = new EventSource('/api/live');
  source.addEventListener('figures', (event: MessageEvent<string>) => {
    take(JSON.parse(event.data) as Figures);
    watchSilence();
  });
  source.addEventListener('error', () => void lost());
  watchSilence();
}

/** No more come, and nobody asks why; what came stays as it is. */
export function pauseLive(): void {
  turn = {};
  clearTimeout(timer);
  source?.close();
  source = null;
}

/** Ends them, and forgets what came. */
export function endLive(): void {
  pauseLive();
  figures.set(null);
  points.set([]);
  liveState.set({ kind: 'off' });
}

function watchSilence(): void {
  clearTimeout(timer);
  timer = setTimeout(() => void lost(), SILENCE_MS);
}

function take(next: Figures): void {
  const { requests, latency_ms: latency } = next;
  const point = {
    at: next.at,
    perSecond: requests.per_second,
    failedPerSecond: requests.failed_per_second,
    p50: latency.p50,
    p95: latency.p95,
    p99: latency.p99,
  };
  const since = next.at - HISTORY_MS;
  // A server that was set back in time, or another one in its place, starts the history anew.
  const kept = points.value.filter(({ at }) => at >= since && at < next.at);
  points.set([...kept, point]);
  figures.set(next);
  if (liveState.value.kind !== 'live') liveState.set({ kind: 'live' });
}

/** A stream tells nothing of why it failed: the same figures, asked for once, do. */
async function lost(): Promise<void> {
  pauseLive();
  const asked = turn;
  let error = new RequestError('UNREACHABLE', 'the stream of figures broke');
  try {
    const next = await call<Figures>('GET', '/api/overview', undefined, AbortSignal.timeout(SILENCE_MS));
    if (turn === asked) take(next);
  } catch (caught) {
    if (caught instanceof RequestError) error = caught;
  }
  // Who has logged out meanwhile is shown no more, and who has begun anew waits for nothing of before; who asked has
  // said already that the login is over.
  if (turn !== asked || error.code === 'AUTH_FAILED') return;
  const waitMs = error.retryAfterMs ?? RETRY_MS;
  liveState.set({ kind: 'lost', error, nextTryAt: Date.now() + waitMs });
  timer = setTimeout(startLive, waitMs);
}
