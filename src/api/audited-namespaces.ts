import { copiedText } from '../base/copied-text.ts';
import { EVERY_NAMESPACE, NAMESPACE_NAME } from '../base/wire-names.ts';
import type { BodyMap } from '../protocol/codec.ts';
import type { Operation } from './operations.ts';

/** Of a batch that goes to more, some are named. */
const NAMED_MAX = 16;
/** Those of a batch that is let through; of a longer one it is looked at so many. */
const TARGETS_MAX = 1000;

/** Where a request acts, or would have; of a payload that was not checked what may be a name. */
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
  for (const target of targets.slice(0, TARGETS_MAX)) {
    const name = (target as BodyMap | null | undefined)?.['namespace'];
    if (typeof name === 'string' && NAMESPACE_NAME.test(name)) names.add(copiedText(name));
    if (names.size === NAMED_MAX) break;
  }
  return [...names];
}
