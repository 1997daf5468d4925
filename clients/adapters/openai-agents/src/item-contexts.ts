import type { Context, StoreRequest } from '@context-manager/client';
import type { AgentInputItem } from '@openai/agents';
import type { Scope } from '../../shared/adapter-options.ts';
import { contextId } from '../../shared/names.ts';
import { storableText } from '../../shared/text.ts';
import { fromJson, toJson } from './item-json.ts';

/** Tags of a session's contexts; clients/adapters/FORMAT.md says what is kept how. */
export const ITEM = 'openai-agents';
export const PIECE = 'openai-agents-piece';
export const TAKEN = 'openai-agents-taken';
export const COMMIT = 'openai-agents-commit';

const JSON_BYTES_MAX = 40_000;
/** Where items hold what people read. */
const READ = ['name', 'arguments', 'content', 'summary', 'output', 'text', 'refusal', 'transcript'];

/** A change of the history that is decided, and whose traces may not all be in place yet. */
export type Commit = {
  /** Ids of contexts that are no items any more. */
  readonly hides: readonly string[];
  /** Ids of contexts that are items from now on. */
  readonly shows: readonly string[];
  /** Id and digest of the transaction, where it has a name. */
  readonly operation?: string;
  readonly digest?: string;
};

/** What stands in `metadata.openai_agents`. */
export type ItemFields = {
  readonly call: string;
  readonly index: number;
  readonly item?: string;
  readonly pieces?: number;
  readonly piece?: string;
  readonly commit?: Commit;
  readonly digest?: string;
};

/** Where items are put. */
export interface Call {
  readonly scope: Scope;
  readonly sessionId: string;
  /** What the framework names the operation, or a new name. */
  readonly name: string;
  readonly createdAt: number;
  readonly tags: readonly string[];
  /** Of the first. */
  readonly index?: number;
  /** Where it takes the place of an item that is stored under the call's own id. */
  readonly revision?: string;
}

/** A context that has an id of its own. */
export type IdentifiedContext = StoreRequest & { readonly id: string };

/** The pieces of those that are long, to be stored first, and the items. */
export function toContexts(
  items: readonly AgentInputItem[],
  call: Call,
): { pieces: IdentifiedContext[]; heads: IdentifiedContext[] } {
  const { scope, sessionId, name, createdAt, tags, revision } = call;
  const common = { ...scope, session_id: sessionId, level: 'long_term' as const, created_at: createdAt };
  const pieces: IdentifiedContext[] = [];
  const heads = items.map((item, place): IdentifiedContext => {
    const index = (call.index ?? 0) + place;
    const id = contextId([
      ITEM,
      scope.agent_id,
      sessionId,
      name,
      String(index),
      ...(revision === undefined ? [] : [revision]),
    ]);
    const cut = cutUp(toJson(item));
    const [whole] = cut;
    const fields: ItemFields = {
      call: name,
      index,
      ...(cut.length === 1 ? { item: whole ?? '' } : { pieces: cut.length }),
    };
    for (const [number, piece] of cut.length === 1 ? [] : cut.entries()) {
      const text = `(piece ${number + 1} of ${cut.length} of an item)`;
      pieces.push({ ...common, id: pieceId(id, number), text, tags: [PIECE], metadata: { openai_agents: { piece } } });
    }
    return { ...common, id, text: readable(item), tags: [...tags], metadata: { openai_agents: { ...fields } } };
  });
  return { pieces, heads };
}

export function fieldsOf({ metadata }: Context): ItemFields {
  const { openai_agents: fields } = metadata as { readonly openai_agents?: ItemFields };
  return fields ?? { call: '', index: 0 };
}

export function pieceIds(context: Context): string[] {
  return Array.from({ length: fieldsOf(context).pieces ?? 0 }, (_, number) => pieceId(context.id, number));
}

export function itemOf(json: string): AgentInputItem {
  return fromJson<AgentInputItem>(json);
}

/** By time, then by call, then by place in the call. */
export function inOrder(a: Context, b: Context): number {
  const [one, other] = [fieldsOf(a), fieldsOf(b)];
  if (a.created_at !== b.created_at) return a.created_at - b.created_at;
  return one.call === other.call ? one.index - other.index : one.call < other.call ? -1 : 1;
}

function pieceId(id: string, number: number): string {
  return contextId([PIECE, id, String(number)]);
}

/** Cut between characters, each short enough for the metadata of a context. */
function cutUp(json: string): string[] {
  const bytes = Buffer.from(json);
  const cut: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    let end = Math.min(start + JSON_BYTES_MAX, bytes.length);
    while (end < bytes.length && (bytes.readUInt8(end) & 0xc0) === 0x80) end--;
    cut.push(bytes.toString('utf8', start, end));
    start = end;
  }
  return cut;
}

function readable(item: AgentInputItem): string {
  return storableText(wordsOf(item).join('\n'), `(${item.type ?? 'item'})`);
}

function wordsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(wordsOf);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  return READ.flatMap((name) => wordsOf((value as Readonly<Record<string, unknown>>)[name]));
}
