import type { Filter } from '../base/context.ts';
import {
  fromBatchOutcome,
  fromQueryOutcome,
  fromRecord,
  fromStoreOutcome,
  toQueryInput,
  toReader,
  toStoreInput,
  toUpdateInput,
} from './context-wire.ts';
import type { Handler } from './handler.ts';

export const store: Handler<'context.store'> = async (payload, call, { memory }) =>
  fromStoreOutcome(await memory.store(toStoreInput(payload, call), call.options));

export const storeBatch: Handler<'context.store_batch'> = async ({ contexts }, call, { memory }) => {
  const inputs = contexts.map((context) => toStoreInput(context, call));
  const outcomes = await memory.storeBatch(inputs, call.options);
  return { results: outcomes.map(fromBatchOutcome) };
};

export const query: Handler<'context.query'> = async (payload, call, { memory }) =>
  fromQueryOutcome(await memory.query(toQueryInput(payload, call), call.options));

export const get: Handler<'context.get'> = async ({ namespace, id }, _call, { memory }) => ({
  context: fromRecord(await memory.get(namespace, id)),
});

export const update: Handler<'context.update'> = async (payload, call, { memory }) => ({
  context: fromRecord(await memory.update(toUpdateInput(payload), call.options)),
});

/** By id or by filter: the schema lets exactly one of them through. */
export const remove: Handler<'context.delete'> = async ({ namespace, id, filter }, _call, { memory }) => ({
  deleted: await memory.delete(namespace, id === undefined ? { filter: filter as Filter } : { id }),
});

export const list: Handler<'context.list'> = async (payload, call, { memory }) => {
  const { namespace, levels, filter, limit, cursor } = payload;
  const page = await memory.list({
    namespace,
    ...toReader(payload, call),
    ...(levels !== undefined && { levels }),
    ...(filter !== undefined && { filter }),
    ...(limit !== undefined && { limit }),
    ...(cursor !== undefined && { cursor }),
  });
  return {
    contexts: page.records.map(fromRecord),
    ...(page.cursor !== undefined && { cursor: page.cursor }),
  };
};
