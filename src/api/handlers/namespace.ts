import { CodedError } from '../../base/errors.ts';
import type { NamespaceSet } from '../../base/namespace-set.ts';
import type { NamespacesWanted } from '../../hirag/types.ts';
import type { NamespaceCounts } from '../../store/store.ts';
import { fromCounts } from './context-wire.ts';
import type { Handler } from './handler.ts';

/** What one namespace weighs in the reply at least, beside its name. */
const BESIDE_NAME_BYTES_MIN = 60;

/** All of them in one reply, or `PAYLOAD_TOO_LARGE`: some of them would look like all. */
export const list: Handler<'namespace.list'> = async (
  _payload,
  { namespaces: ofKey, options },
  { memory, replyBytesMax },
) => {
  const found = await namespacesOf(ofKey, (which) => memory.namespaces(which, options));
  if (bytesMin(found) > replyBytesMax) {
    throw new CodedError('PAYLOAD_TOO_LARGE', 'the key has more namespaces than a reply can name', {
      details: { namespaces: found.length },
    });
  }
  return {
    namespaces: found.map(({ namespace, counts }) => ({ namespace, counts: fromCounts(counts) })),
  };
};

/** Those that are named whether they hold anything or not, of the others those that do; by name. */
async function namespacesOf(
  ofKey: NamespaceSet,
  find: (which: NamespacesWanted) => Promise<readonly NamespaceCounts[]>,
): Promise<readonly NamespaceCounts[]> {
  if (ofKey.isEvery) return find({});
  const { literals } = ofKey;
  const named = literals.length === 0 ? [] : await find({ names: literals });
  if (literals.length === ofKey.entries.length) return named;
  const names = new Set(literals);
  const others = (await find({ among: ofKey })).filter(({ namespace }) => !names.has(namespace));
  return [...named, ...others].sort((one, other) => (one.namespace < other.namespace ? -1 : 1));
}

function bytesMin(found: readonly NamespaceCounts[]): number {
  return found.reduce((bytes, { namespace }) => bytes + namespace.length + BESIDE_NAME_BYTES_MIN, 0);
}
