import { Store, useStore } from './store.ts';

const query = matchMedia('(max-width: 720px)');
const narrow = new Store(query.matches);
query.addEventListener('change', () => narrow.set(query.matches));

/** Whether the window is a telephone's. */
export function useNarrow(): boolean {
  return useStore(narrow);
}
