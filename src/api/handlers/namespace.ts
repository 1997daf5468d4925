import { CodedError } from '../../base/errors.ts';
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
  const found = await memory.namespaces(ofKey ?? undefined, options);
  if (bytesMin(found) > replyBytesMax) {
    throw new CodedError('PAYLOAD_TOO_LARGE', 'the key has more namespaces than a reply can name', {
      details: { namespaces: found.length },
    });
  }
  return {
    namespaces: found.map(({ namespace, counts }) => ({ namespace, counts: fromCounts(counts) })),
  };
};

function bytesMin(found: readonly NamespaceCounts[]): number {
  return found.reduce((bytes, { namespace }) => bytes + namespace.length + BESIDE_NAME_BYTES_MIN, 0);
}
