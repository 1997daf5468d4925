import { badRequest, CodedError } from '../base/errors.ts';
import type { BodyMap } from '../protocol/codec.ts';
import type { Operation } from './operations.ts';
import type { Principal } from './principal.ts';

/**
 * Fills the namespace in where it was left out, and refuses what the key may not see: the handler behind it
 * finds a namespace that is permitted in every place that has one. `payload` has passed its schema.
 * Throws `FORBIDDEN`, the same whether the namespace exists or not, and `BAD_REQUEST` where one must be named.
 */
export function enterNamespaces({ reach, items }: Operation, payload: BodyMap, principal: Principal): void {
  switch (reach) {
    case 'none':
    case 'key':
      return;
    case 'server':
      if (!principal.everyNamespace)
        throw new CodedError('FORBIDDEN', 'this request acts on every namespace, which the key does not see');
      return;
    case 'payload':
      return enter(payload, principal, '/namespace');
    case 'payload_or_all':
      if (payload['namespace'] === undefined && principal.everyNamespace) return;
      return enter(payload, principal, '/namespace');
    case 'items':
      (payload[items!] as BodyMap[]).forEach((item, index) => enter(item, principal, `/${items}/${index}/namespace`));
  }
}

function enter(target: BodyMap, principal: Principal, field: string): void {
  const named = target['namespace'] as string | undefined;
  if (named === undefined) {
    if (principal.defaultNamespace === null) {
      const reason = 'is required, as the key has several namespaces';
      throw badRequest(field, reason, 'the key has several namespaces: name one');
    }
    target['namespace'] = principal.defaultNamespace;
  } else if (!principal.mayUse(named)) {
    throw new CodedError('FORBIDDEN', 'the key does not see this namespace', { details: { field } });
  }
}
