import type { VNode } from 'preact';
import type { NamespaceListReply } from '../../../src/protocol/messages.generated.ts';
import { ask } from '../api/requests.ts';
import { useAnswer, type Answer } from '../api/use-answer.ts';
import { count } from '../format/numbers.ts';
import { Empty, Waiting } from './empty.tsx';
import { Field } from './field.tsx';
import { Problem } from './problem.tsx';

export type Namespaces = NamespaceListReply['namespaces'];

interface WithNamespacesProps {
  /** Stands above what is said while there are none; what needs them has its own. */
  readonly heading: VNode;
  readonly children: (namespaces: Namespaces) => VNode;
}

/** Those that the key has, handed to what needs one; says itself what there is to say while there are none. */
export function WithNamespaces({ heading, children }: WithNamespacesProps) {
  const [answer, again] = useAnswer((signal) => ask('namespace.list', {}, signal), []);
  if (answer.kind === 'answer' && answer.value.namespaces.length > 0) return children(answer.value.namespaces);
  return (
    <>
      {heading}
      {wordsFor(answer, again)}
    </>
  );
}

function wordsFor(answer: Answer<NamespaceListReply>, again: () => void): VNode {
  if (answer.kind === 'waiting') return <Waiting what="Asking for the namespaces" />;
  if (answer.kind === 'problem') {
    const words = answer.error.code === 'FORBIDDEN' ? 'This key may not read: it lacks the scope "read".' : undefined;
    return <Problem error={answer.error} onRetry={again} {...(words === undefined ? {} : { words })} />;
  }
  return (
    <Empty title="Nothing is stored yet">
      <p>Store something, then look again:</p>
      <pre class="command">npx context-manager store "Mara prefers morning flights"</pre>
      <button type="button" onClick={again}>
        Look again
      </button>
    </Empty>
  );
}

/** The one that is named, or else the fullest. */
export function chosenNamespace(namespaces: Namespaces, named: string | null): string {
  if (named !== null && namespaces.some(({ namespace }) => namespace === named)) return named;
  const [fullest] = [...namespaces].sort((a, b) => b.counts.total - a.counts.total);
  return fullest?.namespace ?? 'default';
}

export function NamespaceField({
  namespaces,
  value,
  onChange,
}: {
  readonly namespaces: Namespaces;
  readonly value: string;
  readonly onChange: (namespace: string) => void;
}) {
  return (
    <Field label="Namespace">
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {namespaces.map(({ namespace, counts }) => (
          <option key={namespace} value={namespace}>
            {namespace} ({count(counts.total)})
          </option>
        ))}
      </select>
    </Field>
  );
}
