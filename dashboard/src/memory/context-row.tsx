import { line } from '../format/texts.ts';
import { count } from '../format/numbers.ts';
import { LevelBadge } from '../parts/level-badge.tsx';
import { Time } from '../parts/time.tsx';
import type { Row } from './use-listing.ts';

export function ContextRow({ row }: { readonly row: Row }) {
  const from = row.sessionId === null ? row.agentId : `${row.agentId} / ${row.sessionId}`;
  return (
    <div class="context-row">
      <LevelBadge level={row.level} />
      <Time ms={row.createdAt} />
      <bdi class="row-text">{row.preview}</bdi>
      <span class="row-tags">
        {row.tags.map((tag) => (
          <span key={tag} class="chip">
            {line(tag, 24)}
          </span>
        ))}
      </span>
      <bdi class="row-from muted" title={line(from, 600)}>
        {line(from, 80)}
      </bdi>
      <span class="row-tokens num muted" title="tokens">
        {count(row.tokenCount)}
      </span>
    </div>
  );
}
