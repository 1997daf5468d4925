// What no driver need look at again. Both throw `BAD_REQUEST`, before anything of the call is done.

import { badRequest } from '../../base/errors.ts';
import { checkFilter } from '../filter.ts';
import type { SearchRequest, WriteOp } from '../store.ts';

export function checkOp(op: WriteOp, dimension: number): void {
  if (op.op === 'put') checkVector(op.context.vector, dimension);
  else if (op.op === 'update' && op.patch.text !== undefined) checkVector(op.patch.text.vector, dimension);
  else if (op.op === 'delete_where' && op.filter !== undefined) checkFilter(op.filter);
}

export function checkSearch({ vector, filter }: SearchRequest, dimension: number): void {
  if (vector !== undefined) checkVector(vector, dimension);
  if (filter !== undefined) checkFilter(filter);
}

function checkVector(vector: Float32Array, dimension: number): void {
  if (vector.length === dimension) return;
  throw badRequest('/embedding', `must have ${dimension} dimensions, not ${vector.length}`);
}
