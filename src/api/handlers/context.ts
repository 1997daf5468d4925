import type { Filter } from '../../base/context.ts';
import { toCodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import {
  fromBatchOutcome,
  fromQueryOutcome,
  fromRecord,
  fromStoreOutcome,
  toQueryInput,
  toMoment,
  toReader,
  toStoreInput,
  toUpdateInput,
} from './context-wire.ts';
import { eraseWithReceipt } from './erase.ts';
import type { Handler, HandlerCall } from './handler.ts';
import { vectorCopier } from '../../protocol/vector.ts';
import { withinReply } from './reply-bounds.ts';

export const store: Handler<'context.store'> = async (payload, call, { memory }) =>
  fromStoreOutcome(await memory.store(toStoreInput(payload, call), call.options));

export const storeBatch: Handler<'context.store_batch'> = async ({ contexts }, call, { memory, log }) => {
  const toVector = vectorCopier(contexts.reduce((sum, { embedding }) => sum + (embedding?.length ?? 0), 0));
  const inputs = contexts.map((context) => toStoreInput(context, call, toVector));
  const outcomes = await memory.storeBatch(inputs, call.options);
  logDefects(outcomes, call, log);
  return { results: outcomes.map(fromBatchOutcome) };
};

/** A defect that hit one context of a batch fails no request, so nobody else would log it. */
function logDefects(outcomes: readonly unknown[], { origin }: HandlerCall, log: Log): void {
  for (const outcome of outcomes) {
    if (!(outcome instanceof Error)) continue;
    const { code, cause } = toCodedError(outcome);
    if (code === 'INTERNAL') log.error({ ...origin, code, error: cause ?? outcome }, 'a context of a batch failed');
  }
}

export const query: Handler<'context.query'> = async (payload, call, { memory, replyBytesMax }) =>
  fromQueryOutcome(
    withinReply(await memory.query(toQueryInput(payload, call), call.options), replyBytesMax),
    payload.known_at,
  );

export const get: Handler<'context.get'> = async ({ namespace, id }, call, { memory }) => ({
  context: fromRecord(await memory.get(namespace, id, call.options)),
});

export const update: Handler<'context.update'> = async (payload, call, { memory }) => ({
  context: fromRecord(await memory.update(toUpdateInput(payload), call.options)),
});

/** By id or by filter: the schema lets exactly one of them through. */
export const remove: Handler<'context.delete'> = async (payload, call, services) => {
  const { namespace, id, filter, erase = false } = payload;
  const target = id === undefined ? { filter: filter as Filter } : { id };
  if (!erase) return { deleted: await services.memory.delete(namespace, target, call.options) };
  const receipt = await eraseWithReceipt({ namespace, ...target }, 'keep', call, services);
  return { deleted: receipt.rows, receipt };
};

export const used: Handler<'context.used'> = async ({ namespace, ids }, call, { memory }) => ({
  counted: await memory.used(namespace, ids, call.options),
});

export const list: Handler<'context.list'> = async (payload, call, { memory, listBytesMax }) => {
  const { namespace, levels, filter, limit, cursor } = payload;
  const input = {
    namespace,
    ...toReader(payload, call),
    ...toMoment(payload),
    bytesMax: listBytesMax,
    ...(levels !== undefined && { levels }),
    ...(filter !== undefined && { filter }),
    ...(limit !== undefined && { limit }),
    ...(cursor !== undefined && { cursor }),
  };
  const page = await memory.list(input, call.options);
  return {
    contexts: page.records.map((record) => fromRecord(record, payload.known_at)),
    ...(page.cursor !== undefined && { cursor: page.cursor }),
  };
};
