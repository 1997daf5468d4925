import { LEVELS } from '../../base/context.ts';
import type { Handler } from './handler.ts';

export const list: Handler<'namespace.list'> = async (_payload, { namespaces: ofKey }, { memory }) => {
  const found = await memory.namespaces(ofKey ?? undefined);
  return {
    namespaces: found.map(({ namespace, counts }) => ({
      namespace,
      counts: { ...counts, total: LEVELS.reduce((sum, level) => sum + counts[level], 0) },
    })),
  };
};
