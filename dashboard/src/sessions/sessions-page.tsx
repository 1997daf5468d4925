import { useEffect, useRef, useState } from 'preact/hooks';
import type { RequestError } from '../api/client.ts';
import { toRequestError } from '../api/use-answer.ts';
import { count, duration, plural } from '../format/numbers.ts';
import { line } from '../format/texts.ts';
import { ago } from '../format/times.ts';
import { Empty, Waiting } from '../parts/empty.tsx';
import { chosenNamespace, NamespaceField, WithNamespaces } from '../parts/namespace-choice.tsx';
import { Problem } from '../parts/problem.tsx';
import { Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { hashOf, navigate } from '../state/route.ts';
import { Conversation } from './conversation.tsx';
import { gather, NONE_GATHERED, type Gathered, type SessionSummary } from './gather.ts';

export function SessionsPage({ params }: { readonly params: URLSearchParams }) {
  const session = params.get('session');
  return (
    <div class="page">
      <WithNamespaces heading={<h1>Sessions</h1>}>
        {(namespaces) => {
          const namespace = chosenNamespace(namespaces, params.get('namespace'));
          if (session !== null) return <Conversation key={session} namespace={namespace} session={session} />;
          return (
            <>
              <div class="page-head">
                <h1>Sessions</h1>
                <NamespaceField
                  namespaces={namespaces}
                  value={namespace}
                  onChange={(next) => navigate('sessions', { namespace: next }, true)}
                />
              </div>
              <SessionList key={namespace} namespace={namespace} />
            </>
          );
        }}
      </WithNamespaces>
    </div>
  );
}

function SessionList({ namespace }: { readonly namespace: string }) {
  const [gathered, setGathered] = useState<Gathered>(NONE_GATHERED);
  const [isBusy, setBusy] = useState(true);
  const [error, setError] = useState<RequestError | null>(null);
  const aborter = useRef(new AbortController());

  const lookOn = async (from: Gathered): Promise<void> => {
    const { signal } = aborter.current;
    setBusy(true);
    setError(null);
    try {
      await gather(namespace, from, signal, (next) => !signal.aborted && setGathered(next));
    } catch (caught) {
      if (!signal.aborted) setError(toRequestError(caught));
    }
    if (!signal.aborted) setBusy(false);
  };
  useEffect(() => {
    void lookOn(NONE_GATHERED);
    return () => aborter.current.abort();
  }, []);

  const { sessions, seen, cursor } = gathered;
  return (
    <>
      {error !== null && <Problem error={error} onRetry={() => void lookOn(gathered)} />}
      {sessions.length > 0 && (
        <div class="card card-flush">
          <SessionTable namespace={namespace} sessions={sessions} />
        </div>
      )}
      {sessions.length === 0 && !isBusy && error === null && (
        <Empty title={seen === 0 ? `Nothing is stored in ${namespace}` : 'No context here belongs to a session'}>
          <p>A session is what a client names as session_id when it stores:</p>
          <pre class="command">{`npx context-manager store "..." --namespace ${namespace} --session trip-42`}</pre>
        </Empty>
      )}
      {isBusy ? (
        <Waiting what={seen === 0 ? 'Looking for sessions' : `Looked at ${count(seen)} contexts so far`} />
      ) : (
        sessions.length > 0 && (
          <p class="muted">
            {plural(sessions.length, 'session')}, gathered from{' '}
            {cursor === undefined
              ? `all ${count(seen)} contexts of the namespace.`
              : `its newest ${count(seen)} contexts; older ones are not counted yet.`}
          </p>
        )
      )}
      {cursor !== undefined && !isBusy && (
        <button type="button" onClick={() => void lookOn(gathered)}>
          Look further back
        </button>
      )}
    </>
  );
}

function SessionTable({
  namespace,
  sessions,
}: {
  readonly namespace: string;
  readonly sessions: readonly SessionSummary[];
}) {
  const now = Date.now();
  return (
    <Table
      label="Sessions"
      columns={[
        { head: 'Session' },
        { head: 'Agents' },
        { head: 'Contexts', isNumber: true },
        { head: 'Tokens', isNumber: true },
        { head: 'Lasted', isNumber: true },
        { head: 'Last', isNumber: true },
      ]}
    >
      {sessions.map((each) => (
        <tr key={each.session}>
          <td class="wide">
            <a href={hashOf('sessions', { namespace, session: each.session })}>
              <bdi>{line(each.session, 80)}</bdi>
            </a>
          </td>
          <td class="wide">
            <bdi>{line(each.agents.join(', '), 80)}</bdi>
          </td>
          <td class="num right">{count(each.contexts)}</td>
          <td class="num right">{count(each.tokens)}</td>
          <td class="num right">{duration(each.lastAt - each.firstAt)}</td>
          <td class="right">
            <Time ms={each.lastAt} text={ago(each.lastAt, now)} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
