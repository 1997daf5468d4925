import { exactTime, localTime } from '../format/times.ts';

/** Local time, with the exact one on pointing at it. */
export function Time({ ms, text }: { readonly ms: number; readonly text?: string }) {
  return (
    <time class="num" dateTime={isoOf(ms)} title={exactTime(ms)}>
      {text ?? localTime(ms)}
    </time>
  );
}

function isoOf(ms: number): string {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? '' : time.toISOString();
}
