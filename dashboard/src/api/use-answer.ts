import { useEffect, useState } from 'preact/hooks';
import { RequestError } from './client.ts';

export type Answer<T> =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'answer'; readonly value: T }
  | { readonly kind: 'problem'; readonly error: RequestError };

export function toRequestError(error: unknown): RequestError {
  return error instanceof RequestError ? error : new RequestError('INTERNAL', 'the page met what it did not expect');
}

/** Asks anew whenever one of `inputs` changes, and drops what comes for earlier ones; the second value asks again. */
export function useAnswer<T>(
  asking: (signal: AbortSignal) => Promise<T>,
  inputs: readonly unknown[],
): [Answer<T>, () => void] {
  const [answer, setAnswer] = useState<Answer<T>>({ kind: 'waiting' });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const aborter = new AbortController();
    setAnswer({ kind: 'waiting' });
    asking(aborter.signal).then(
      (value) => !aborter.signal.aborted && setAnswer({ kind: 'answer', value }),
      (error: unknown) => !aborter.signal.aborted && setAnswer({ kind: 'problem', error: toRequestError(error) }),
    );
    return () => aborter.abort();
  }, [...inputs, round]);
  return [answer, () => setRound((before) => before + 1)];
}
