import { Store } from '../state/store.ts';
import { call, loginChanged, RequestError, whenLoggedOut } from './client.ts';
import { pauseLive, startLive } from './live.ts';

export interface Weights {
  readonly similarity: number;
  readonly recency: number;
  readonly level: number;
  readonly frequency: number;
}

/** What a query gets that says nothing else. */
export interface QueryDefaults {
  /** Scaled to sum 1. */
  readonly weights: Weights;
  /** Whether the other parts count by themselves, or in proportion to the similarity. */
  readonly ranking: 'proportional' | 'additive';
  readonly max_tokens: number;
  readonly limit: number;
  readonly relevance_threshold: number;
  readonly min_similarity: number;
}

/** How a score is made of its parts. */
export type Rank = Pick<QueryDefaults, 'weights' | 'ranking'>;

export interface Login {
  readonly key_id: string;
  readonly scopes: readonly string[];
  readonly namespaces: readonly string[];
  readonly expires_at: number;
  readonly query_defaults: QueryDefaults;
}

export type LoginState =
  /** `error`: why the server has not told yet; it is asked again. */
  | { readonly kind: 'unknown'; readonly error?: RequestError }
  /** `ended`: it was in, and the server knows it no more. */
  | { readonly kind: 'out'; readonly ended: boolean }
  | { readonly kind: 'in'; readonly login: Login };

export const login = new Store<LoginState>({ kind: 'unknown' });

/** Until a server is asked again that did not answer. */
const RETRY_MS = 3_000;
/** The cookie itself is out of reach of any script; that there is one is kept beside it. */
const MARK = 'context-manager-login';

function mark(isIn: boolean): void {
  try {
    if (isIn) localStorage.setItem(MARK, 'in');
    else localStorage.removeItem(MARK);
  } catch {
    // The next visit asks for the key again.
  }
}

function isMarked(): boolean {
  try {
    return localStorage.getItem(MARK) !== null;
  } catch {
    return false;
  }
}

function setLogin(state: LoginState): void {
  mark(state.kind === 'in');
  loginChanged();
  login.set(state);
}

/** Takes up a login that this browser still has; who never logged in is not asked about. */
export async function resumeLogin(): Promise<void> {
  whenLoggedOut(() => setLogin({ kind: 'out', ended: login.value.kind === 'in' }));
  if (!isMarked()) return login.set({ kind: 'out', ended: false });
  try {
    setLogin({ kind: 'in', login: await call<Login>('GET', '/api/login') });
  } catch (caught) {
    const error = caught instanceof RequestError ? caught : new RequestError('INTERNAL', String(caught));
    if (error.code === 'AUTH_FAILED') return setLogin({ kind: 'out', ended: true });
    // That it could not be asked says nothing of whether the login still stands.
    login.set({ kind: 'unknown', error });
    setTimeout(() => void resumeLogin(), error.retryAfterMs ?? RETRY_MS);
  }
}

/** Rejects with a `RequestError`. */
export async function logIn(keyId: string, secret: string): Promise<void> {
  setLogin({ kind: 'in', login: await call<Login>('POST', '/api/login', { key_id: keyId, secret }) });
}

/** Out here, whatever the server says; rejects where it does not know of it. */
export async function logOut(): Promise<void> {
  // The server ends the stream with the login, perhaps before its answer is here: who then asked why would be told
  // that the login has ended by itself.
  pauseLive();
  try {
    await call('POST', '/api/logout', {});
  } catch (error) {
    if (!(error instanceof RequestError && error.code === 'AUTH_FAILED')) {
      startLive();
      throw error;
    }
  }
  setLogin({ kind: 'out', ended: false });
}
