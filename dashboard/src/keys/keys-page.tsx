import type { Login } from '../api/login.ts';
import { keys } from '../api/requests.ts';
import { useAnswer } from '../api/use-answer.ts';
import { ago } from '../format/times.ts';
import { Empty, Waiting } from '../parts/empty.tsx';
import { Problem } from '../parts/problem.tsx';
import { Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';

export function KeysPage({ login }: { readonly login: Login }) {
  return (
    <div class="page">
      <h1>Keys</h1>
      <p class="lead">Who may connect, as the server's settings say it. Secrets are never shown.</p>
      {login.scopes.includes('admin') ? (
        <KeysTable ownId={login.key_id} />
      ) : (
        <Empty title={`The key "${login.key_id}" may not see the keys`}>
          <p>It takes one with the scope "admin".</p>
        </Empty>
      )}
    </div>
  );
}

function KeysTable({ ownId }: { readonly ownId: string }) {
  const [answer, again] = useAnswer((signal) => keys(signal), []);
  if (answer.kind === 'waiting') return <Waiting what="Asking for the keys" />;
  if (answer.kind === 'problem') return <Problem error={answer.error} onRetry={again} />;
  const now = Date.now();
  return (
    <div class="card card-flush">
      <Table
        label="Keys"
        columns={[
          { head: 'Id' },
          { head: 'Scopes' },
          { head: 'Namespaces' },
          { head: 'Secrets', isNumber: true },
          { head: 'Rate' },
          { head: 'Requests', isNumber: true },
          { head: 'Last used' },
          { head: 'Ends' },
        ]}
      >
        {answer.value.keys.map((key) => (
          <tr key={key.id}>
            <td class="code strong">
              {key.id}
              {key.id === ownId && <span class="chip">you</span>}
              {key.disabled && <span class="chip bad">disabled</span>}
            </td>
            <td>
              <span class="chips">
                {key.scopes.map((scope) => (
                  <span key={scope} class="chip">
                    {scope}
                  </span>
                ))}
              </span>
            </td>
            <td>
              <span class="chips">
                {key.namespaces.map((namespace) => (
                  <span key={namespace} class="chip code">
                    {namespace === '*' ? 'every namespace' : namespace}
                  </span>
                ))}
              </span>
            </td>
            <td class="num right">{key.secrets === 2 ? '2 (rotating)' : key.secrets}</td>
            <td class="num">
              {key.rate_limit === null ? (
                <span class="muted">no limit</span>
              ) : (
                `${key.rate_limit.per_second}/s, bursts of ${key.rate_limit.burst}`
              )}
            </td>
            <td class="num right">{key.requests.toLocaleString()}</td>
            <td>
              {key.last_used_at === null ? (
                <span class="muted">never</span>
              ) : (
                <>
                  <Time ms={key.last_used_at} /> <span class="muted">({ago(key.last_used_at, now)})</span>
                </>
              )}
            </td>
            <td>
              {key.not_after === null ? (
                <span class="muted">never</span>
              ) : (
                <>
                  <Time ms={key.not_after} />{' '}
                  <span class={key.not_after < now ? 'bad' : 'muted'}>({ago(key.not_after, now)})</span>
                </>
              )}
            </td>
          </tr>
        ))}
      </Table>
    </div>
  );
}
