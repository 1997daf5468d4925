import { useState } from 'preact/hooks';
import { figures, liveState } from './api/live.ts';
import { logOut, type LoginState } from './api/login.ts';
import { hashOf, PAGES, TITLES, type Page } from './state/route.ts';
import { setTheme, theme, THEMES, type Theme } from './state/theme.ts';
import { useStore } from './state/store.ts';

export function Header({ page, state }: { readonly page: Page; readonly state: LoginState }) {
  return (
    <header class="top">
      <div class="top-row">
        <span class="brand">
          <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
            <rect x="1" y="2" width="14" height="3" rx="1" class="mark-1" />
            <rect x="1" y="6.5" width="10" height="3" rx="1" class="mark-2" />
            <rect x="1" y="11" width="6" height="3" rx="1" class="mark-3" />
          </svg>
          context-manager
          <Version />
        </span>
        <nav aria-label="Pages" class="nav">
          {PAGES.map((name) => (
            <a key={name} href={hashOf(name)} aria-current={name === page ? 'page' : undefined}>
              {TITLES[name]}
            </a>
          ))}
        </nav>
        <div class="top-end">
          <LiveLamp />
          <ThemeSwitch />
          <Account state={state} />
        </div>
      </div>
    </header>
  );
}

function Version() {
  const version = useStore(figures)?.version;
  return version === undefined ? null : <span class="version num">{version}</span>;
}

function LiveLamp() {
  const state = useStore(liveState);
  const status = useStore(figures)?.status;
  const [tone, word] =
    state.kind === 'live'
      ? [status === 'healthy' ? 'good' : status === 'degraded' ? 'warn' : 'bad', 'Live']
      : state.kind === 'lost'
        ? ['bad', 'Lost']
        : ['none', state.kind === 'connecting' ? 'Connecting' : 'No figures'];
  const title = state.kind === 'live' ? `Figures arrive; the server is ${status ?? 'unknown'}` : 'No figures arrive';
  return (
    <span class={`status status-${tone} lamp`} title={title}>
      <span class="status-dot" aria-hidden="true" />
      {word}
    </span>
  );
}

const ICONS: Readonly<Record<Theme, string>> = {
  system: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 1.4v9.2a4.6 4.6 0 0 1 0-9.2Z',
  light:
    'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM7.3 1h1.4v2.4H7.3V1Zm0 11.6h1.4V15H7.3v-2.4ZM1 7.3h2.4v1.4H1V7.3Zm11.6 0H15v1.4h-2.4V7.3ZM2.6 3.6l1-1 1.7 1.7-1 1-1.7-1.7Zm8.1 8.1 1-1 1.7 1.7-1 1-1.7-1.7Zm0-7.4 1.7-1.7 1 1-1.7 1.7-1-1Zm-8.1 8.1 1.7-1.7 1 1-1.7 1.7-1-1Z',
  dark: 'M6.2 2.1a6 6 0 1 0 7.7 7.7A5 5 0 0 1 6.2 2.1Z',
};

function ThemeSwitch() {
  const now = useStore(theme);
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length] ?? 'system';
  const label = `Theme: ${now}. Change to ${next}`;
  return (
    <button type="button" class="icon" aria-label={label} title={label} onClick={() => setTheme(next)}>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <path d={ICONS[now]} fill="currentColor" fill-rule="evenodd" />
      </svg>
    </button>
  );
}

function Account({ state }: { readonly state: LoginState }) {
  const [failed, setFailed] = useState(false);
  if (state.kind !== 'in') return null;
  return (
    <span class="account">
      <span class="code account-key" title={`Scopes: ${state.login.scopes.join(', ')}`}>
        {state.login.key_id}
      </span>
      <button
        type="button"
        title={failed ? 'The server did not answer; try again' : undefined}
        onClick={() => void logOut().catch(() => setFailed(true))}
      >
        {failed ? 'Log out: try again' : 'Log out'}
      </button>
    </span>
  );
}
