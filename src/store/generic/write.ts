import type { Change, WriteOp, WriteResult } from '../store.ts';
import { deleteWhere } from './delete-where.ts';
import type { WritingDriver } from './supersession.ts';
import { trimAll } from './trim.ts';

/**
 * The operations in order, those in a row of one kind together. Nothing spans them: each leaves what its own comment
 * says where a kill comes after it.
 */
export async function writeInRuns(
  driver: WritingDriver,
  ops: readonly WriteOp[],
  nowMs: number,
  signal?: AbortSignal,
): Promise<WriteResult[]> {
  const results: WriteResult[] = [];
  for (const run of runsOf(ops)) {
    if (run.kind === 'changes') results.push(...(await driver.apply(run.changes, nowMs)));
    else if (run.kind === 'trims') results.push(...(await trimAll(driver, run.trims, nowMs)));
    else results.push(await deleteWhere(driver, run.op, nowMs, results.length === 0 ? signal : undefined));
  }
  return results;
}

type Run =
  | { readonly kind: 'changes'; readonly changes: Change[] }
  | { readonly kind: 'trims'; readonly trims: Extract<WriteOp, { readonly op: 'trim' }>['trim'][] }
  | { readonly kind: 'delete_where'; readonly op: Extract<WriteOp, { readonly op: 'delete_where' }> };

function runsOf(ops: readonly WriteOp[]): Run[] {
  const runs: Run[] = [];
  for (const op of ops) {
    const last = runs.at(-1);
    if (op.op === 'delete_where') runs.push({ kind: 'delete_where', op });
    else if (op.op === 'trim') {
      if (last?.kind === 'trims') last.trims.push(op.trim);
      else runs.push({ kind: 'trims', trims: [op.trim] });
    } else if (last?.kind === 'changes') last.changes.push(op);
    else runs.push({ kind: 'changes', changes: [op] });
  }
  return runs;
}
