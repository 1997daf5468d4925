import { useEffect, useState } from 'preact/hooks';
import type { RequestError } from '../api/client.ts';
import { duration } from '../format/numbers.ts';

const WORDS: Readonly<Record<string, string>> = {
  UNREACHABLE: 'The server does not answer. It may be stopped, or the network is down.',
  AUTH_FAILED: 'You are not logged in any more.',
  FORBIDDEN: 'This key may not do that.',
  NOT_FOUND: 'It is not there any more: deleted, expired, or in another namespace.',
  RATE_LIMITED: 'That was asked too often.',
  OVERLOADED: 'The server has too much to do right now.',
  DEADLINE_EXCEEDED: 'The server did not get done with it in time.',
  EMBEDDING_UNAVAILABLE: 'The embedding service does not answer, so the question could not be compared.',
  STORE_UNAVAILABLE: 'The store does not answer.',
  SHUTTING_DOWN: 'The server is stopping.',
  BAD_REQUEST: 'The server does not take this.',
  PAYLOAD_TOO_LARGE: 'That is more than the server takes or sends at once.',
  INTERNAL: 'The server failed. Its log says more.',
};

export function wordsOf(error: RequestError): string {
  return WORDS[error.code] ?? error.message;
}

/** Milliseconds until a moment, counted down while the part is drawn. */
export function useCountdown(until: number | null): number {
  const [now, setNow] = useState(Date.now());
  const left = until === null ? 0 : Math.max(0, until - now);
  useEffect(() => {
    if (left === 0) return;
    const timer = setTimeout(() => setNow(Date.now()), Math.min(left, 250));
    return () => clearTimeout(timer);
  }, [left, now]);
  return left;
}

interface ProblemProps {
  readonly error: RequestError;
  /** In place of what is said of its code. */
  readonly words?: string;
  readonly onRetry?: () => void;
}

/** What went wrong, in words, and the way on: as soon as the server allows it. */
export function Problem({ error, words, onRetry }: ProblemProps) {
  const [until, setUntil] = useState<number | null>(null);
  useEffect(() => setUntil(error.retryAfterMs === null ? null : Date.now() + error.retryAfterMs), [error]);
  const left = useCountdown(until);
  const main = words ?? wordsOf(error);
  const details = [...error.fields.map(({ field, reason }) => `${field.replace(/^\//, '')} ${reason}`)];
  if (details.length === 0 && error.code !== 'AUTH_FAILED') details.push(error.message);
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{main}</strong>
        {left > 0 && <span> Try again in {duration(Math.ceil(left / 1000) * 1000)}.</span>}
      </p>
      <p class="problem-detail">
        <code>{error.code}</code> {details.filter((detail) => detail !== main).join('; ')}
      </p>
      {onRetry !== undefined && (
        <button type="button" disabled={left > 0} onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
