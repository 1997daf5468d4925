import { figures, liveState, points } from '../api/live.ts';
import { useStore } from '../state/store.ts';
import { Waiting } from '../parts/empty.tsx';
import { Charts } from './charts.tsx';
import { Headline } from './headline.tsx';
import { LiveNotice } from './live-notice.tsx';
import { HealthCard, LevelsCard, StorageCard } from './state-cards.tsx';
import { ErrorsCard, JobsCard, TypesCard } from './tables.tsx';

export function OverviewPage() {
  const state = useStore(liveState);
  const now = useStore(figures);
  const history = useStore(points);
  return (
    <div class="page">
      <h1 class="sr-only">Overview</h1>
      <LiveNotice state={state} lastAt={now?.at ?? null} />
      {now === null ? (
        state.kind === 'connecting' && <Waiting what="Waiting for the first figures" />
      ) : (
        <div class={state.kind === 'live' ? '' : 'is-stale'}>
          <Headline figures={now} />
          <Charts points={history} />
          <div class="grid grid-3">
            <LevelsCard figures={now} />
            <HealthCard figures={now} />
            <StorageCard figures={now} />
          </div>
          <div class="grid grid-2">
            <TypesCard figures={now} />
            <ErrorsCard figures={now} />
          </div>
          <JobsCard figures={now} />
        </div>
      )}
    </div>
  );
}
