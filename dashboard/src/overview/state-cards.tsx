import type { Figures } from '../api/figures.ts';
import { bytes, count, percent } from '../format/numbers.ts';
import { levelName } from '../format/levels.ts';
import { Card } from '../parts/card.tsx';
import { StatusWord } from '../parts/status-dot.tsx';

/** How the contexts lie over the levels. What a level may hold is set for each agent or session, so no bar can be full. */
export function LevelsCard({ figures }: { readonly figures: Figures }) {
  const total = figures.levels.reduce((sum, { contexts }) => sum + (contexts ?? 0), 0);
  return (
    <Card title="Levels" aside={<span class="num">{count(total)} contexts</span>}>
      <ul class="bars">
        {figures.levels.map(({ level, contexts, each }) => {
          const share = total === 0 ? 0 : (contexts ?? 0) / total;
          return (
            <li key={level}>
              <span class="bar-name">{levelName(level)}</span>
              <span class="bar-value num">
                {count(contexts)} <span class="muted">({percent(share)})</span>
              </span>
              <span class="track">
                {share > 0 && <span class={`fill fill-${level}`} style={{ width: `${share * 100}%` }} />}
              </span>
              <span class="bar-more muted num">
                {each === null
                  ? 'without a bound'
                  : `at most ${count(each.contexts)} ${each.of === 'agent' ? 'of an agent' : 'in a session'}`}
              </span>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}

export function HealthCard({ figures }: { readonly figures: Figures }) {
  return (
    <Card title="Health" aside={<StatusWord status={figures.status} />}>
      <ul class="facts">
        {figures.components.map(({ name, status, detail }) => (
          <li key={name}>
            <span class="fact-name">
              {name.replaceAll('_', ' ')}
              {typeof detail === 'string' && detail !== '' && <span class="fact-detail muted">{detail}</span>}
            </span>
            <StatusWord status={status} />
          </li>
        ))}
        {figures.circuits.map(({ backend, state }) => (
          <li key={`circuit ${backend}`}>
            <span class="fact-name">circuit of {backend.replaceAll('_', ' ')}</span>
            <StatusWord status={state} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

export function StorageCard({ figures }: { readonly figures: Figures }) {
  const { disk, cache } = figures;
  const rows: readonly (readonly [string, string])[] = [
    ['database', bytes(disk.database_bytes)],
    ['write-ahead log', bytes(disk.log_bytes)],
    ['indexes', bytes(disk.index_bytes)],
    ['free on the disk', bytes(disk.free_bytes)],
    ['cached vectors', count(cache.entries)],
    ['cache hit rate', percent(cache.hit_rate)],
  ];
  return (
    <Card title="Disk and cache">
      <ul class="facts">
        {rows.map(([name, value]) => (
          <li key={name}>
            <span class="fact-name">{name}</span>
            <span class="num">{value}</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
