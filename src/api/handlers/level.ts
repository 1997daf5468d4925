import type { Handler } from './handler.ts';

export const clear: Handler<'level.clear'> = async ({ namespace, level }, call, { memory }) => ({
  deleted: await memory.clearLevel(namespace, level, call.options),
});
