import { useEffect, useRef } from 'preact/hooks';
import { endLive, liveState, startLive } from './api/live.ts';
import { login, type Login, type LoginState } from './api/login.ts';
import { Header } from './header.tsx';
import { KeysPage } from './keys/keys-page.tsx';
import { LabPage } from './lab/lab-page.tsx';
import { forgetAnswers } from './lab/question.ts';
import { forgetTexts } from './lab/texts.ts';
import { LoginPage } from './login/login-page.tsx';
import { MemoryPage } from './memory/memory-page.tsx';
import { OverviewPage } from './overview/overview-page.tsx';
import { Waiting } from './parts/empty.tsx';
import { Problem } from './parts/problem.tsx';
import { SessionsPage } from './sessions/sessions-page.tsx';
import { route, TITLES, type Route } from './state/route.ts';
import { useStore } from './state/store.ts';

export function App() {
  const here = useStore(route);
  const state = useStore(login);
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);

  useEffect(() => {
    document.title = `${TITLES[here.page]} · context-manager`;
    // Who turns to another page with the keyboard goes on reading there.
    if (!isFirst.current) main.current?.focus({ preventScroll: true });
    isFirst.current = false;
  }, [here.page]);
  useEffect(() => {
    if (state.kind === 'in' && liveState.value.kind === 'off') startLive();
    if (state.kind === 'out') {
      endLive();
      forgetAnswers();
      forgetTexts();
    }
  }, [state.kind]);

  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <Header page={here.page} state={state} />
      <main id="main" ref={main} tabIndex={-1}>
        <Content here={here} state={state} />
      </main>
    </>
  );
}

function Content({ here, state }: { readonly here: Route; readonly state: LoginState }) {
  if (state.kind === 'unknown') {
    return state.error === undefined ? <Waiting what="Looking for your login" /> : <Problem error={state.error} />;
  }
  if (state.kind === 'out') {
    return <LoginPage ended={state.ended} />;
  }
  return <Inside here={here} login={state.login} />;
}

function Inside({ here, login: own }: { readonly here: Route; readonly login: Login }) {
  switch (here.page) {
    case 'memory':
      return <MemoryPage params={here.params} />;
    case 'lab':
      return <LabPage params={here.params} defaults={own.query_defaults} />;
    case 'sessions':
      return <SessionsPage params={here.params} />;
    case 'keys':
      return <KeysPage login={own} />;
    default:
      return <OverviewPage />;
  }
}
