import { useEffect, useRef, useState } from 'preact/hooks';
import type { Context } from '../../../src/protocol/messages.generated.ts';
import type { RequestError } from '../api/client.ts';
import { ask } from '../api/requests.ts';
import { toRequestError } from '../api/use-answer.ts';
import { count, plural } from '../format/numbers.ts';
import { line } from '../format/texts.ts';
import { Empty, Waiting } from '../parts/empty.tsx';
import { LevelBadge } from '../parts/level-badge.tsx';
import { Problem } from '../parts/problem.tsx';
import { TextBlock } from '../parts/text-block.tsx';
import { Time } from '../parts/time.tsx';
import { hashOf } from '../state/route.ts';
import { speakerOf } from './speaker.ts';

interface ConversationProps {
  readonly namespace: string;
  readonly session: string;
}

const PAGE = 100;

/** A session in the order in which it was said, the newest part of it first to be fetched. */
export function Conversation({ namespace, session }: ConversationProps) {
  const [turns, setTurns] = useState<readonly Context[]>([]);
  const [cursor, setCursor] = useState<string | undefined>();
  const [isBusy, setBusy] = useState(true);
  const [error, setError] = useState<RequestError | null>(null);
  const aborter = useRef(new AbortController());

  const earlier = async (): Promise<void> => {
    const { signal } = aborter.current;
    setBusy(true);
    setError(null);
    try {
      const from = cursor === undefined ? {} : { cursor };
      const scope = { namespace, session_id: session, agent_id: '*' };
      const page = await ask('context.list', { ...scope, limit: PAGE, ...from }, signal);
      setTurns((later) => [...page.contexts.toReversed(), ...later]);
      setCursor(page.cursor);
    } catch (caught) {
      if (!signal.aborted) setError(toRequestError(caught));
    }
    if (!signal.aborted) setBusy(false);
  };
  useEffect(() => {
    void earlier();
    return () => aborter.current.abort();
  }, []);

  const tokens = turns.reduce((sum, turn) => sum + turn.token_count, 0);
  return (
    <>
      <p class="crumb">
        <a href={hashOf('sessions', { namespace })}>Sessions of {namespace}</a>
      </p>
      <div class="page-head">
        <h1 class="session-name">
          <bdi>{line(session, 256)}</bdi>
        </h1>
        <a class="button" href={hashOf('memory', { namespace, session })}>
          Open in the memory browser
        </a>
      </div>
      <p class="muted num">
        {plural(turns.length, 'context')}
        {cursor === undefined ? '' : ' shown, older ones above'}, {count(tokens)} tokens
      </p>
      {error !== null && <Problem error={error} onRetry={() => void earlier()} />}
      {isBusy && <Waiting what="Asking for the conversation" />}
      {cursor !== undefined && !isBusy && (
        <button type="button" onClick={() => void earlier()}>
          Show what came before
        </button>
      )}
      {turns.length === 0 && !isBusy && error === null && (
        <Empty title="There is nothing in this session any more">
          <p>Its contexts were deleted or have expired.</p>
        </Empty>
      )}
      <ol class="conversation">
        {turns.map((turn) => (
          <Turn key={turn.id} turn={turn} />
        ))}
      </ol>
    </>
  );
}

const OWN_ROLES = ['assistant', 'agent', 'ai', 'bot', 'system', 'tool'];

function Turn({ turn }: { readonly turn: Context }) {
  const speaker = speakerOf(turn) ?? turn.agent_id;
  const role = turn.metadata['role'];
  const isOwn = typeof role === 'string' && OWN_ROLES.includes(role);
  return (
    <li class={`turn ${isOwn ? 'turn-own' : ''}`}>
      <div class="turn-head">
        <bdi class="strong">{line(speaker, 80)}</bdi>
        <Time ms={turn.created_at} />
        <LevelBadge level={turn.level} />
        <a
          class="turn-link"
          href={hashOf('memory', { namespace: turn.namespace, session: turn.session_id, id: turn.id })}
          aria-label={`Details of what ${line(speaker, 80)} said`}
        >
          details
        </a>
      </div>
      <TextBlock text={turn.text} charsMax={800} />
    </li>
  );
}
