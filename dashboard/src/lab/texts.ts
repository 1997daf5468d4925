import { useEffect, useState } from 'preact/hooks';
import { RequestError } from '../api/client.ts';
import { ask } from '../api/requests.ts';

/** Texts of candidates that were left out: a receipt does not bring them. */
const known = new Map<string, string>();
const KNOWN_MAX = 1_000;
const RUNNING_MAX = 3;
const RETRIES_MAX = 3;

export function forgetTexts(): void {
  known.clear();
}

let running = 0;
const waiting: (() => void)[] = [];

async function take<T>(work: () => Promise<T>): Promise<T> {
  if (running >= RUNNING_MAX) await new Promise<void>((resolve) => waiting.push(resolve));
  running++;
  try {
    return await work();
  } finally {
    running--;
    waiting.shift()?.();
  }
}

async function fetchText(namespace: string, id: string, signal: AbortSignal): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      const { context } = await ask('context.get', { namespace, id }, signal);
      return context.text;
    } catch (error) {
      if (!(error instanceof RequestError) || error.retryAfterMs === null || attempt === RETRIES_MAX) throw error;
      const waitMs = error.retryAfterMs;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

/** A text as soon as it is `wanted`; null until it is there, an error's words where it cannot be had. */
export function useText(namespace: string, id: string, wanted: boolean): { text: string | null; fault: string | null } {
  const key = `${namespace} ${id}`;
  const [, draw] = useState({});
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    if (!wanted || known.has(key)) return;
    const aborter = new AbortController();
    const { signal } = aborter;
    take(async () => {
      if (signal.aborted) return;
      const text = await fetchText(namespace, id, signal);
      const [oldest] = known.keys();
      if (known.size >= KNOWN_MAX && oldest !== undefined) known.delete(oldest);
      known.set(key, text);
      if (!signal.aborted) draw({});
    }).catch((error: unknown) => {
      if (signal.aborted) return;
      setFault(error instanceof RequestError && error.code === 'NOT_FOUND' ? 'deleted since' : 'its text did not come');
    });
    return () => aborter.abort();
  }, [key, wanted]);
  return { text: known.get(key) ?? null, fault };
}
