import { useEffect } from 'preact/hooks';
import type { QueryDefaults } from '../api/login.ts';
import { ask } from '../api/requests.ts';
import { toRequestError } from '../api/use-answer.ts';
import { plural } from '../format/numbers.ts';
import { Empty, Waiting } from '../parts/empty.tsx';
import { chosenNamespace, WithNamespaces, type Namespaces } from '../parts/namespace-choice.tsx';
import { Problem } from '../parts/problem.tsx';
import { useStore } from '../state/store.ts';
import { Answer, type MarkOf } from './answer.tsx';
import { boundsOf, lab, requestOf, type Asked, type Side } from './question.ts';
import { QuestionForm } from './question-form.tsx';

interface LabPageProps {
  readonly params: URLSearchParams;
  readonly defaults: QueryDefaults;
}

type SideName = 'a' | 'b';

function setSide(name: SideName, change: Partial<Side>): void {
  const side = lab.value[name];
  if (side !== null) lab.set({ ...lab.value, [name]: { ...side, ...change } });
}

async function run(name: SideName, namespace: string, defaults: QueryDefaults): Promise<void> {
  const question = lab.value[name]?.question;
  if (question === undefined) return;
  const bounds = boundsOf(question, defaults);
  const asking = { kind: 'asking' } as const;
  setSide(name, { outcome: asking });
  // Who asked may have logged out meanwhile.
  const isAskedStill = (): boolean => lab.value[name]?.outcome === asking;
  try {
    const reply = await ask('context.query', requestOf(question, namespace, bounds));
    if (isAskedStill()) setSide(name, { outcome: { kind: 'asked', asked: { question, namespace, ...bounds, reply } } });
  } catch (error) {
    if (isAskedStill()) setSide(name, { outcome: { kind: 'problem', error: toRequestError(error) } });
  }
}

export function LabPage({ params, defaults }: LabPageProps) {
  const { a, b } = useStore(lab);
  useEffect(() => {
    const text = params.get('question');
    const namespace = params.get('namespace') ?? a.question.namespace;
    if (text !== null) setSide('a', { question: { ...a.question, text, namespace } });
  }, [params]);
  const isTwo = b !== null;
  const toggle = (): void => lab.set({ a, b: isTwo ? null : { question: a.question, outcome: { kind: 'none' } } });
  return (
    <div class={`page ${isTwo ? 'page-wide' : ''}`}>
      <div class="page-head">
        <h1>Query lab</h1>
        <button type="button" aria-pressed={isTwo} onClick={toggle}>
          Two queries side by side
        </button>
      </div>
      <WithNamespaces heading={<></>}>
        {(namespaces) => (
          <>
            {isTwo && <Shared a={a} b={b} />}
            <div class={isTwo ? 'sides' : ''}>
              <Half name="a" side={a} other={b} namespaces={namespaces} defaults={defaults} />
              {isTwo && <Half name="b" side={b} other={a} namespaces={namespaces} defaults={defaults} />}
            </div>
          </>
        )}
      </WithNamespaces>
    </div>
  );
}

interface HalfProps {
  readonly name: SideName;
  readonly side: Side;
  readonly other: Side | null;
  readonly namespaces: Namespaces;
  readonly defaults: QueryDefaults;
}

function Half({ name, side, other, namespaces, defaults }: HalfProps) {
  const { question, outcome } = side;
  const namespace = chosenNamespace(namespaces, question.namespace);
  const again = (): void => void run(name, namespace, defaults);
  return (
    <section class="half" aria-label={other === null ? 'Query' : `Query ${name.toUpperCase()}`}>
      <div class="card">
        <QuestionForm
          name={other === null ? null : name.toUpperCase()}
          namespaces={namespaces}
          namespace={namespace}
          question={question}
          defaults={defaults}
          isBusy={outcome.kind === 'asking'}
          onChange={(changed) => setSide(name, { question: changed })}
          onAsk={again}
        />
      </div>
      {outcome.kind === 'none' && (
        <Empty title="No question asked yet">
          <p>Ask as an agent would. Every candidate is shown with its score, and why it is in the answer or not.</p>
        </Empty>
      )}
      {outcome.kind === 'asking' && <Waiting what="Asking" />}
      {outcome.kind === 'problem' && <Problem error={outcome.error} onRetry={again} />}
      {outcome.kind === 'asked' && (
        <Answer asked={outcome.asked} defaults={defaults} markOf={marksAgainst(name, other)} />
      )}
    </section>
  );
}

function answerOf(side: Side | null): Asked | null {
  return side?.outcome.kind === 'asked' ? side.outcome.asked : null;
}

function marksAgainst(name: SideName, other: Side | null): MarkOf | null {
  const asked = answerOf(other);
  if (asked === null) return null;
  const otherName = name === 'a' ? 'B' : 'A';
  const places = new Map(asked.reply.contexts.map(({ id }, index) => [id, index + 1]));
  return ({ receipt, place }) => {
    const there = places.get(receipt.id);
    if (place === null) return there === undefined ? null : { kind: 'other', words: `in ${otherName}: no. ${there}` };
    if (there === undefined) return { kind: 'only', words: `only in ${name.toUpperCase()}` };
    return { kind: 'common', words: `in both, in ${otherName} no. ${there}` };
  };
}

/** What the two answers have in common. */
function Shared({ a, b }: { readonly a: Side; readonly b: Side | null }) {
  const [first, second] = [answerOf(a), answerOf(b)];
  if (first === null || second === null) return null;
  const inA = new Set(first.reply.contexts.map(({ id }) => id));
  const inB = new Set(second.reply.contexts.map(({ id }) => id));
  const both = [...inA].filter((id) => inB.has(id)).length;
  return (
    <p class="shared num" role="status">
      <span class="strong">{plural(both, 'context')}</span> in both answers, {inA.size - both} only in A,{' '}
      {inB.size - both} only in B.
    </p>
  );
}
