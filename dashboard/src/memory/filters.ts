import type { ContextListRequest, Filter, Level } from '../../../src/protocol/messages.generated.ts';
import { fromField } from '../format/times.ts';
import { levelsOf, levelsParam } from '../parts/level-choice.tsx';

/** What is looked for, as its fields hold it; empty: whatever it is. */
export interface Wanted {
  readonly namespace: string;
  readonly agent: string;
  readonly session: string;
  readonly levels: readonly Level[];
  readonly tag: string;
  /** `key=value`, several of them separated by `;`. */
  readonly metadata: string;
  /** Values of `datetime-local` fields. */
  readonly since: string;
  readonly before: string;
}

export function wantedOf(params: URLSearchParams, namespace: string): Wanted {
  const text = (name: string): string => params.get(name) ?? '';
  return {
    namespace,
    agent: text('agent'),
    session: text('session'),
    levels: levelsOf(params.get('levels')),
    tag: text('tag'),
    metadata: text('metadata'),
    since: text('since'),
    before: text('before'),
  };
}

export function paramsOf(wanted: Wanted): Record<string, string | undefined> {
  return { ...wanted, levels: levelsParam(wanted.levels) };
}

/** How many of the fields restrict what is found. */
export function countOf({ namespace: _, levels, ...texts }: Wanted): number {
  return Object.values(texts).filter((text) => text !== '').length + (levels.length < 3 ? 1 : 0);
}

/** Where a field says something that is no condition: what is wrong with it. */
export function faultOf({ metadata }: Wanted): string | null {
  const odd = partsOf(metadata).find((part) => !/^[^=]+=/.test(part));
  return odd === undefined ? null : `"${odd}" is no condition: write it as key=value.`;
}

export function requestOf(wanted: Wanted): ContextListRequest {
  const must = conditionsOf(wanted);
  return {
    namespace: wanted.namespace,
    agent_id: wanted.agent === '' ? '*' : wanted.agent,
    ...(wanted.session === '' ? {} : { session_id: wanted.session }),
    ...(wanted.levels.length === 3 ? {} : { levels: [...wanted.levels] }),
    ...(must.length === 0 ? {} : { filter: { must } }),
  };
}

type Conditions = NonNullable<Filter['must']>;

function conditionsOf({ tag, metadata, since, before }: Wanted): Conditions {
  const from = fromField(since);
  const until = fromField(before);
  return [
    ...(tag === '' ? [] : [{ key: 'tags', match: { value: tag } }]),
    ...partsOf(metadata).map(metadataCondition),
    ...(from === undefined ? [] : [{ key: 'created_at', range: { gte: from } }]),
    ...(until === undefined ? [] : [{ key: 'created_at', range: { lt: until } }]),
  ];
}

function partsOf(metadata: string): string[] {
  return metadata
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Nobody sees from `7` whether a number or a text was stored: either is found. */
function metadataCondition(part: string): Conditions[number] {
  const at = part.indexOf('=');
  const key = `metadata.${part.slice(0, at).trim()}`;
  const value = part.slice(at + 1).trim();
  const asText = { key, match: { value } };
  if (value === 'true' || value === 'false') return { should: [asText, { key, match: { value: value === 'true' } }] };
  const number = value === '' ? NaN : Number(value);
  return Number.isFinite(number) ? { should: [asText, { key, match: { value: number } }] } : asText;
}
