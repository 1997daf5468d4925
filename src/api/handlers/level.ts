import type { Handler } from './handler.ts';

export const clear: Handler<'level.clear'> = async ({ namespace, level }, _call, { memory }) => ({
  deleted: await memory.clearLevel(namespace, level),
});
