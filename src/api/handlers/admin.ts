import { CodedError } from '../../base/errors.ts';
import type { ReplyPayloads } from '../../protocol/messages.generated.ts';
import type { Snapshot } from '../../store/snapshot/snapshot.ts';
import type { Handler } from './handler.ts';

export const gc: Handler<'admin.gc'> = (_payload, _call, { jobs }) => jobs.expirySweep();

export const cacheClear: Handler<'admin.cache_clear'> = (_payload, { options }, { memory }) =>
  memory.clearCaches(options);

/** `NOT_FOUND` for what this server does itself, or not at all. */
export const circuitReset: Handler<'admin.circuit_reset'> = ({ backend }, _call, { circuits }) => {
  const circuit = circuits.get(backend);
  if (circuit === undefined) throw new CodedError('NOT_FOUND', `the server asks no backend named ${backend}`);
  circuit.reset();
  return { backend, state: circuit.state };
};

export const snapshot: Handler<'admin.snapshot'> = async ({ label }, { options }, { snapshots }) => ({
  snapshot: wireSnapshot(await snapshots.create(label, options.signal)),
});

export const listSnapshots: Handler<'admin.snapshots'> = (_payload, _call, { snapshots }) => ({
  snapshots: snapshots.list().map(wireSnapshot),
});

function wireSnapshot({
  manifest: { id, label, contexts },
  createdAtMs,
  bytes,
  sha256,
}: Snapshot): ReplyPayloads['admin.snapshot']['snapshot'] {
  return { id, ...(label === undefined ? {} : { label }), created_at: createdAtMs, contexts, bytes, sha256 };
}
