import { EVERY_NAMESPACE } from '../base/wire-names.ts';
import type { BodyMap } from '../protocol/codec.ts';
import type { Operation } from './operations.ts';

/** Of a batch that goes to more, some are named. */
const NAMED_MAX = 16;
const NAME_CHARS_MAX = 128;

/** Where a request acts, or would have; of a payload that was not checked what has the shape of a name. */
export function auditedNamespaces({ reach, items }: Operation, payload: BodyMap | undefined): readonly string[] {
  switch (reach) {
    case 'none':
    case 'key':
      return [];
    case 'server':
      return [EVERY_NAMESPACE];
    case 'payload':
      return namesIn([payload]);
    case 'payload_or_all':
      return payload?.['namespace'] === undefined ? [EVERY_NAMESPACE] : namesIn([payload]);
    case 'items': {
      const all = payload?.[items!];
      return Array.isArray(all) ? namesIn(all) : [];
    }
  }
}

function namesIn(targets: readonly unknown[]): readonly string[] {
  const names = new Set<string>();
  for (const target of targets) {
    const name = (target as BodyMap | null | undefined)?.['namespace'];
    if (typeof name === 'string' && name.length <= NAME_CHARS_MAX) names.add(name);
    if (names.size === NAMED_MAX) break;
  }
  return [...names];
}
