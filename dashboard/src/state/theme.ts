import { Store } from './store.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'context-manager-theme';

/** A browser may refuse to keep anything; the page works without. */
function kept(): Theme {
  try {
    return THEMES.find((name) => name === localStorage.getItem(KEY)) ?? 'system';
  } catch {
    return 'system';
  }
}

export const theme = new Store<Theme>(kept());
const systemDark = matchMedia('(prefers-color-scheme: dark)');
/** As it is drawn now. */
export const isDark = new Store<boolean>(false);

function apply(): void {
  isDark.set(theme.value === 'dark' || (theme.value === 'system' && systemDark.matches));
  document.documentElement.dataset['theme'] = isDark.value ? 'dark' : 'light';
}

export function startTheme(): void {
  apply();
  systemDark.addEventListener('change', apply);
}

export function setTheme(name: Theme): void {
  theme.set(name);
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // It holds until the page is left.
  }
  apply();
}
