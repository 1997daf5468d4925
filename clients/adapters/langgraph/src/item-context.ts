import type { Context, StoreRequest } from '@context-manager/client';
import {
  InvalidNamespaceError,
  validateNamespace,
  type Item,
  type PutOperation,
} from '@langchain/langgraph-checkpoint';
import type { Scope } from '../../shared/adapter-options.ts';
import { contextId, placeTag, placeTags } from '../../shared/names.ts';
import { TEXT_CHARS_MAX } from '../../shared/text.ts';
import { narrowingFields, type Wanted } from './item-filter.ts';
import { NOTHING, searchedText } from './value-texts.ts';

const KIND = 'langgraph';
/** Of items that no search with words finds. */
export const UNINDEXED = 'langgraph-unindexed';
const LABELS_MAX = 62;
const NAME_BYTES_MAX = 8_192;
const VALUE_BYTES_MAX = 40_000;
/** Of the value with its fields and names: metadata has 64 KiB. */
const METADATA_BYTES_MAX = 60_000;
/** The longest that the server takes: no end. Otherwise the lifetime of an earlier put might stay. */
const FOREVER_MS = 3_155_760_000_000;

type Name = Pick<PutOperation, 'namespace' | 'key'>;
/** An item as it is stored; clients/adapters/FORMAT.md says what is where. */
export type ItemContext = StoreRequest & {
  readonly id: string;
  readonly text: string;
  readonly tags: string[];
  readonly metadata: NonNullable<StoreRequest['metadata']>;
  readonly ttl_ms: number;
};

interface ItemFields {
  readonly namespace: readonly string[];
  readonly key: string;
  readonly put_at: number;
  readonly value?: string;
}

export function itemId({ agent_id: agentId }: Scope, { namespace, key }: Name): string {
  validateNamespace(namespace, { allowReservedRoot: true });
  return contextId([KIND, agentId, ...checked(namespace, key), key]);
}

export function prefixTag(prefix: readonly string[]): string {
  validateNamespace([...prefix], { allowEmpty: true, allowReservedRoot: true });
  return placeTag(KIND, checked(prefix, ''));
}

/** `paths`: what of the value is searched; none: nothing is. */
export function toContext(
  scope: Scope,
  name: Name,
  value: Wanted,
  paths: readonly string[] | null,
  nowMs: number,
): ItemContext {
  const { namespace, key } = name;
  const id = itemId(scope, name);
  const json = JSON.stringify(value);
  const bytes = Buffer.byteLength(json);
  const isShort = bytes <= VALUE_BYTES_MAX;
  if (!isShort && json.length > TEXT_CHARS_MAX)
    throw new RangeError(
      `the value of ${JSON.stringify(key)} has ${json.length} characters as JSON, ${TEXT_CHARS_MAX} at most`,
    );
  const room =
    METADATA_BYTES_MAX - (isShort ? bytes : 0) - Buffer.byteLength(namespace.join('') + key) - 4 * LABELS_MAX;
  const fields = narrowingFields(JSON.parse(json) as Wanted, room);
  const text = isShort ? searchedText(value, paths ?? []) : json;
  return {
    ...scope,
    id,
    level: 'long_term',
    text,
    tags: [...placeTags(KIND, namespace), ...(paths === null || text === NOTHING ? [UNINDEXED] : [])],
    metadata: { langgraph: { namespace: [...namespace], key, put_at: nowMs, fields, ...(isShort && { value: json }) } },
    ttl_ms: FOREVER_MS,
    created_at: nowMs,
  };
}

export function toItem(context: Context): Item {
  const { namespace, key, put_at: putAt } = fieldsOf(context);
  return {
    namespace: [...namespace],
    key,
    value: valueOf(context),
    createdAt: new Date(context.created_at),
    updatedAt: new Date(Math.max(putAt, context.created_at)),
  };
}

export function namespaceOf(context: Context): readonly string[] {
  return fieldsOf(context).namespace;
}

export function valueOf(context: Context): Record<string, unknown> {
  return JSON.parse(fieldsOf(context).value ?? context.text) as Record<string, unknown>;
}

function fieldsOf({ metadata }: Context): ItemFields {
  const { langgraph } = metadata as { readonly langgraph?: ItemFields };
  return langgraph ?? { namespace: [], key: '', put_at: 0 };
}

function checked(namespace: readonly string[], key: string): readonly string[] {
  if (typeof key !== 'string') throw new TypeError('a key is a string');
  const names = [...namespace, key];
  if (!names.every((name) => name.isWellFormed()))
    throw new InvalidNamespaceError('A namespace or key with half of a surrogate pair has no UTF-8.');
  const bytes = Buffer.byteLength(names.join(''));
  if (bytes > NAME_BYTES_MAX)
    throw new InvalidNamespaceError(`Namespace and key have ${bytes} bytes, ${NAME_BYTES_MAX} at most.`);
  if (namespace.length > LABELS_MAX)
    throw new InvalidNamespaceError(`A namespace has ${namespace.length} labels, ${LABELS_MAX} at most.`);
  return namespace;
}
