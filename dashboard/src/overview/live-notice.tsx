import { startLive, type LiveState } from '../api/live.ts';
import { duration } from '../format/numbers.ts';
import { useCountdown, wordsOf } from '../parts/problem.tsx';
import { Time } from '../parts/time.tsx';

/** Says so where the figures on the page are not those of now. */
export function LiveNotice({ state, lastAt }: { readonly state: LiveState; readonly lastAt: number | null }) {
  const left = useCountdown(state.kind === 'lost' ? state.nextTryAt : null);
  if (state.kind !== 'lost') return null;
  return (
    <div class="notice notice-warn" role="status">
      <p>
        <strong>{lastAt === null ? 'No figures come.' : 'The live figures broke off.'}</strong> {wordsOf(state.error)}{' '}
        {lastAt !== null && (
          <>
            What you see is of <Time ms={lastAt} />.{' '}
          </>
        )}
        {left > 0 ? `Connecting again in ${duration(Math.ceil(left / 1000) * 1000)}.` : 'Connecting again.'}
      </p>
      <button type="button" onClick={startLive}>
        Connect now
      </button>
    </div>
  );
}
