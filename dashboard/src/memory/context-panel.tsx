import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Context } from '../../../src/protocol/messages.generated.ts';
import { ask } from '../api/requests.ts';
import { useAnswer } from '../api/use-answer.ts';
import { count } from '../format/numbers.ts';
import { line } from '../format/texts.ts';
import { ago } from '../format/times.ts';
import { levelName } from '../format/levels.ts';
import { Waiting } from '../parts/empty.tsx';
import { LevelBadge } from '../parts/level-badge.tsx';
import { Problem } from '../parts/problem.tsx';
import { TextBlock } from '../parts/text-block.tsx';
import { Time } from '../parts/time.tsx';
import { hashOf } from '../state/route.ts';
import { NeighbourList } from './neighbour-list.tsx';

interface ContextPanelProps {
  readonly namespace: string;
  readonly id: string;
  readonly onOpen: (id: string) => void;
  readonly onClose: () => void;
}

/** All that is known of one context. */
export function ContextPanel({ namespace, id, onOpen, onClose }: ContextPanelProps) {
  const [answer, again] = useAnswer((signal) => ask('context.get', { namespace, id }, signal), [namespace, id]);
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), [id]);
  return (
    <section class="card panel" aria-label="Context">
      <header class="panel-head">
        <h2 ref={title} tabIndex={-1}>
          Context
        </h2>
        <span class="code muted panel-id" title={id}>
          {id}
        </span>
        <button type="button" class="icon" aria-label="Close" title="Close (Escape)" onClick={onClose}>
          <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
            <path d="M3 3l10 10M13 3L3 13" stroke="currentColor" stroke-width="1.6" />
          </svg>
        </button>
      </header>
      <div class="panel-body" tabIndex={0} role="region" aria-label="What is known of the context">
        {answer.kind === 'waiting' && <Waiting what="Asking for the context" />}
        {answer.kind === 'problem' && <Problem error={answer.error} onRetry={again} />}
        {answer.kind === 'answer' && <Whole context={answer.value.context} onOpen={onOpen} />}
      </div>
    </section>
  );
}

function Whole({ context, onOpen }: { readonly context: Context; readonly onOpen: (id: string) => void }) {
  return (
    <>
      <TextBlock text={context.text} class="panel-text" />
      {context.tags.length > 0 && (
        <p class="chips">
          {context.tags.map((tag) => (
            <a key={tag} class="chip" href={hashOf('memory', { namespace: context.namespace, tag })}>
              {line(tag, 128)}
            </a>
          ))}
        </p>
      )}
      <FactList context={context} />
      <h3>Metadata</h3>
      {Object.keys(context.metadata).length === 0 ? (
        <p class="muted">none</p>
      ) : (
        <TextBlock text={JSON.stringify(context.metadata, null, 2)} charsMax={1_500} class="code-block" />
      )}
      {context.session_id !== undefined && <NeighbourList context={context} onOpen={onOpen} />}
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Of servers that keep what held when; others leave these out. */
interface Past {
  readonly valid_from?: number;
  readonly valid_until?: number;
  readonly superseded_by?: string;
  readonly supersedes?: readonly string[];
}

function FactList({ context }: { readonly context: Context }) {
  const now = Date.now();
  const { namespace, session_id: session, expires_at: end } = context;
  const past = context as Context & Past;
  const linkTo = (id: string) => (
    <a class="code" href={hashOf('memory', { namespace, id })}>
      {id}
    </a>
  );
  return (
    <dl class="fact-list">
      <Fact name="Level">
        <LevelBadge level={context.level} /> {levelName(context.level).slice(3)}
      </Fact>
      <Fact name="Agent">
        <bdi>{line(context.agent_id, 256)}</bdi>
      </Fact>
      <Fact name="Session">
        {session === undefined ? (
          <span class="muted">none</span>
        ) : (
          <a href={hashOf('sessions', { namespace, session })}>
            <bdi>{line(session, 256)}</bdi>
          </a>
        )}
      </Fact>
      <Fact name="Created">
        <Time ms={context.created_at} /> <span class="muted">({ago(context.created_at, now)})</span>
      </Fact>
      <Fact name="Version">
        <span class="num">{context.version}</span>
        {context.version > 1 && (
          <span class="muted">
            {' '}
            since <Time ms={context.updated_at} />
          </span>
        )}
      </Fact>
      <Fact name="Lifetime">
        {end === undefined ? (
          'without end'
        ) : (
          <>
            {context.expires_by === 'level' ? 'in this level until ' : 'until '}
            <Time ms={end} /> <span class="muted">({ago(end, now)})</span>
          </>
        )}
      </Fact>
      <Fact name="Tokens">
        <span class="num">{count(context.token_count)}</span>
      </Fact>
      <Fact name="Accesses">
        <span class="num">{count(context.access_count)}</span>
      </Fact>
      {past.superseded_by !== undefined && <Fact name="Superseded by">{linkTo(past.superseded_by)}</Fact>}
      {past.supersedes?.map((id) => (
        <Fact key={id} name="Supersedes">
          {linkTo(id)}
        </Fact>
      ))}
      {past.valid_until !== undefined && (
        <Fact name="Holds until">
          <Time ms={past.valid_until} />
        </Fact>
      )}
    </dl>
  );
}
