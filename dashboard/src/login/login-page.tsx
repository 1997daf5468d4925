import { useEffect, useRef, useState } from 'preact/hooks';
import type { RequestError } from '../api/client.ts';
import { logIn } from '../api/login.ts';
import { toRequestError } from '../api/use-answer.ts';
import { Field } from '../parts/field.tsx';
import { Problem, useCountdown } from '../parts/problem.tsx';

const WORDS: Readonly<Record<string, string>> = {
  AUTH_FAILED: 'The key id or the secret is wrong, or the key has expired.',
  RATE_LIMITED: 'There were too many attempts from here.',
};

interface LoginPageProps {
  /** The one before has ended by itself. */
  readonly ended: boolean;
}

export function LoginPage({ ended }: LoginPageProps) {
  const [keyId, setKeyId] = useState('default');
  const [secret, setSecret] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<RequestError | null>(null);
  const [until, setUntil] = useState<number | null>(null);
  const left = useCountdown(until);
  const secretField = useRef<HTMLInputElement>(null);

  useEffect(() => {
    if (error !== null) secretField.current?.focus();
  }, [error]);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isBusy || left > 0) return;
    setBusy(true);
    setError(null);
    try {
      await logIn(keyId, secret);
    } catch (caught) {
      const failed = toRequestError(caught);
      setError(failed);
      setUntil(failed.retryAfterMs === null ? null : Date.now() + failed.retryAfterMs);
      setSecret('');
    }
    setBusy(false);
  };

  const words = error === null ? undefined : WORDS[error.code];
  return (
    <div class="login">
      <form class="card login-card" onSubmit={(event) => void submit(event)}>
        <h1>Log in</h1>
        <p class="muted">
          to <span class="code strong">{location.host}</span>. How the server is and what it remembers is shown to who
          has a key, within its scopes and namespaces.
        </p>
        {ended && error === null && (
          <p class="notice notice-warn" role="status">
            Your login has ended. Log in again to go on where you were.
          </p>
        )}
        <Field label="Key id">
          <input
            name="key_id"
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
            value={keyId}
            onInput={(event) => setKeyId(event.currentTarget.value)}
          />
        </Field>
        <Field label="Secret" hint="That of the key “default” is in the file “secret” in the server's data folder.">
          <input
            ref={secretField}
            name="secret"
            type="password"
            autocomplete="current-password"
            required
            value={secret}
            onInput={(event) => setSecret(event.currentTarget.value)}
          />
        </Field>
        {error !== null && <Problem error={error} {...(words === undefined ? {} : { words })} />}
        <button type="submit" class="primary" disabled={isBusy || left > 0}>
          {isBusy ? 'Logging in…' : 'Log in'}
        </button>
      </form>
    </div>
  );
}
