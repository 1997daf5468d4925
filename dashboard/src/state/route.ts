import { Store } from './store.ts';

export const PAGES = ['overview', 'memory', 'lab', 'sessions', 'keys'] as const;
export type Page = (typeof PAGES)[number];

export const TITLES: Readonly<Record<Page, string>> = {
  overview: 'Overview',
  memory: 'Memory',
  lab: 'Query lab',
  sessions: 'Sessions',
  keys: 'Keys',
};

export interface Route {
  readonly page: Page;
  /** What a page was asked for, so that its address can be kept and sent. */
  readonly params: URLSearchParams;
}

function parse(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const page = PAGES.find((name) => name === path) ?? 'overview';
  return { page, params: new URLSearchParams(query) };
}

export const route = new Store<Route>(parse(location.hash));
addEventListener('hashchange', () => route.set(parse(location.hash)));

/** Only what has a value stands in the address. */
export function hashOf(page: Page, params: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(params).filter((entry): entry is [string, string] => !!entry[1]);
  const query = new URLSearchParams(given).toString();
  return `#/${page}${query === '' ? '' : `?${query}`}`;
}

/** `replace`: the step back leads to where one was before. */
export function navigate(page: Page, params: Readonly<Record<string, string | undefined>> = {}, replace = false): void {
  const hash = hashOf(page, params);
  if (hash === location.hash) return;
  if (!replace) {
    location.hash = hash;
    return;
  }
  history.replaceState(null, '', hash);
  route.set(parse(hash));
}
