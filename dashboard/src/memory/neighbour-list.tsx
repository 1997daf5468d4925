import type { Context } from '../../../src/protocol/messages.generated.ts';
import { neighbours } from '../api/requests.ts';
import { useAnswer } from '../api/use-answer.ts';
import { line } from '../format/texts.ts';
import { Waiting } from '../parts/empty.tsx';
import { LevelBadge } from '../parts/level-badge.tsx';
import { Problem } from '../parts/problem.tsx';
import { speakerOf } from '../sessions/speaker.ts';

interface NeighbourListProps {
  readonly context: Context;
  readonly onOpen: (id: string) => void;
}

/** What was said before and after it in its session. */
export function NeighbourList({ context, onOpen }: NeighbourListProps) {
  const { namespace, id } = context;
  const [answer, again] = useAnswer((signal) => neighbours(namespace, id, signal), [namespace, id]);
  if (answer.kind === 'waiting') return <Waiting what="Asking for its neighbours" />;
  if (answer.kind === 'problem') return <Problem error={answer.error} onRetry={again} />;
  const { before, after } = answer.value;
  return (
    <>
      <h3>Around it in the session</h3>
      <ol class="neighbours">
        {before.map((each) => (
          <Neighbour key={each.id} context={each} onOpen={onOpen} />
        ))}
        <li class="neighbour is-here" aria-current="true">
          <LevelBadge level={context.level} />
          <bdi>{line(context.text, 160)}</bdi>
        </li>
        {after.map((each) => (
          <Neighbour key={each.id} context={each} onOpen={onOpen} />
        ))}
      </ol>
      {before.length + after.length === 0 && <p class="muted">It is alone in its session.</p>}
    </>
  );
}

function Neighbour({ context, onOpen }: NeighbourListProps) {
  const speaker = speakerOf(context);
  return (
    <li>
      <button type="button" class="neighbour" onClick={() => onOpen(context.id)}>
        <LevelBadge level={context.level} />
        <bdi>
          {speaker !== null && <span class="muted">{line(speaker, 40)}: </span>}
          {line(context.text, 160)}
        </bdi>
      </button>
    </li>
  );
}
