import { badRequest, CodedError } from '../../base/errors.ts';
import type { EraseInput, ErasureOutcome } from '../../hirag/erasure/types.ts';
import type { ErasedSnapshot, ErasureReceipt } from '../../protocol/messages.generated.ts';
import type { Handler, HandlerCall, Services, Snapshots } from './handler.ts';

type SnapshotsMode = 'keep' | 'remove' | 'rewrite';

const EVERY_AGENT = '*';
const NOTHING: ErasureOutcome = {
  ...{ rows: 0, vectors: 0, postings: 0, supersessions: 0, sessions: 0, cards: 0, facts: 0, summaryTasks: 0 },
  ...{ cacheEntries: 0, indexFiles: 0, blankedPages: 0, files: 'none' },
};

/** `FORBIDDEN` where snapshots are to be changed, which hold what others have, and the key does not see every namespace. */
export const erase: Handler<'namespace.erase'> = async (payload, call, services) => {
  const { namespace, confirm, agent_id: agentId, snapshots = 'keep', dry_run: dryRun = false } = payload;
  if (agentId === undefined && confirm !== namespace)
    throw badRequest('/confirm', 'must be the name of the namespace', 'confirm is not the name of the namespace');
  if (agentId === EVERY_AGENT)
    throw badRequest('/agent_id', 'names every agent: leave it out, and give confirm, to erase the namespace');
  if (snapshots !== 'keep' && !call.namespaces.isEvery)
    throw new CodedError('FORBIDDEN', 'snapshots hold every namespace, which the key does not see');
  const input = { namespace, ...(agentId !== undefined && { agentId }) };
  if (!dryRun) return { receipt: await eraseWithReceipt(input, snapshots, call, services) };
  const startedMs = services.clock.nowMs();
  const outcome = { ...NOTHING, ...(await services.memory.estimateErasure(input)) };
  const held = services.snapshots.holding(namespace);
  const told = held.map((snapshot) => ({ ...snapshotFacts(snapshot), outcome: 'holds' as const }));
  return { receipt: { dry_run: true, ...receiptOf(outcome, 0, told, startedMs, services) } };
};

/** Erases, and tells of what still holds some of it. */
export async function eraseWithReceipt(
  input: EraseInput,
  mode: SnapshotsMode,
  call: HandlerCall,
  services: Services,
): Promise<ErasureReceipt> {
  const { clock, memory, monitor, snapshots } = services;
  const startedMs = clock.nowMs();
  let told: readonly ErasedSnapshot[] = [];
  const whole = mode === 'keep' ? input : { ...input, snapshots: mode };
  const outcome = await memory.erase(whole, call.options, async (erased) => {
    told = await eraseSnapshots(erased, snapshots);
  });
  const monitorEntries = monitor.forget(input.namespace);
  return receiptOf(outcome, monitorEntries, told, startedMs, services);
}

/** What becomes of those that hold some of it. */
export async function eraseSnapshots(input: EraseInput, snapshots: Snapshots): Promise<ErasedSnapshot[]> {
  // One that is being made just now may have begun before.
  await snapshots.idle();
  const told: ErasedSnapshot[] = [];
  for (const snapshot of snapshots.holding(input.namespace)) {
    const facts = snapshotFacts(snapshot);
    if (input.snapshots === undefined) told.push({ ...facts, outcome: 'holds' });
    else if (input.snapshots === 'remove') {
      snapshots.remove(snapshot);
      told.push({ ...facts, outcome: 'removed' });
    } else {
      const replacement = await snapshots.rewrite(snapshot, input);
      told.push({ ...facts, outcome: 'rewritten', replaced_by: replacement.manifest.id });
    }
  }
  return told;
}

function snapshotFacts({ manifest: { id, label }, createdAtMs }: ReturnType<Services['snapshots']['holding']>[number]) {
  return { id, ...(label === undefined ? {} : { label }), created_at: createdAtMs };
}

function receiptOf(
  outcome: ErasureOutcome,
  monitorEntries: number,
  snapshots: ErasureReceipt['snapshots'],
  startedMs: number,
  { clock }: Services,
): ErasureReceipt {
  const { rows, vectors, postings, supersessions, sessions, cards, facts, files } = outcome;
  return {
    ...{ rows, vectors, postings, supersessions, sessions, cards, facts, files, snapshots },
    summary_tasks: outcome.summaryTasks,
    cache_entries: outcome.cacheEntries,
    monitor_entries: monitorEntries,
    index_files: outcome.indexFiles,
    blanked_pages: outcome.blankedPages,
    started_at: startedMs,
    finished_at: clock.nowMs(),
  };
}
