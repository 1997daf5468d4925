import { eraseSnapshots } from './api/handlers/erase.ts';
import type { JobsByHand, Snapshots } from './api/handlers/handler.ts';
import type { Settings } from './config/settings.ts';
import { checkSchedule, snapshotSchedule } from './config/schedules.ts';
import type { Memory } from './hirag/types.ts';
import type { WholeCheck } from './store/whole-check.ts';
import { JobRegistry } from './jobs/job-registry.ts';
import type { JobDeps } from './jobs/job.ts';
import type { Schedule } from './jobs/schedule.ts';
import type { SnapshotKeeper } from './store/snapshot/snapshot-keeper.ts';

/** How soon what was stored without vectors is looked for. */
const BACKLOG_EVERY_MS = 5_000;
/** The same of summaries that a restart or a failure has left. */
const SUMMARIES_EVERY_MS = 30_000;
/** The same of erasures. */
const ERASURES_EVERY_MS = 15_000;

interface JobParts {
  readonly memory: Memory;
  readonly snapshots: SnapshotKeeper;
  /** null: the backend takes care of that itself. */
  readonly wholeCheck: WholeCheck | null;
  /** The same, for erasures that were cut off. */
  readonly erasable: Snapshots;
}

/** What runs by schedule, with what a request may run by hand. */
export function startJobs(
  settings: Settings,
  { memory, snapshots, wholeCheck, erasable }: JobParts,
  deps: JobDeps,
  onStop: (task: () => unknown) => void,
): JobsByHand & { readonly registry: JobRegistry } {
  const { hirag } = settings;
  const jobs = new JobRegistry(deps);
  const expirySweep = jobs.add({
    name: 'expiry_sweep',
    schedule: sweepSchedule(hirag),
    run: (signal) => memory.gc(signal),
  });
  jobs.add({
    name: 'access_flush',
    schedule: { everyMs: hirag.accessFlushMs },
    run: () => memory.flushAccessCounts(),
  });
  jobs.add({
    name: 'embedding_backlog',
    schedule: { everyMs: BACKLOG_EVERY_MS },
    run: (signal) => memory.embedBacklog(signal),
  });
  const sweepSummaries = (signal: AbortSignal) => memory.sweepSummaries(signal);
  const summarySweep = { name: 'summary_sweep', schedule: { everyMs: SUMMARIES_EVERY_MS }, run: sweepSummaries };
  // At once, too: what the server before this one gave up is not left for half a minute.
  if (settings.summary.provider !== 'none') jobs.add(summarySweep).turn();
  const resumeErasures = (signal: AbortSignal) =>
    memory.resumeErasures(signal, (input) => eraseSnapshots(input, erasable));
  jobs.add({ name: 'erasures', schedule: { everyMs: ERASURES_EVERY_MS }, run: resumeErasures }).turn();
  const schedule = snapshotSchedule(settings);
  if (schedule !== undefined)
    jobs.add({ name: 'snapshot', schedule: { cron: schedule }, run: (signal) => snapshots.turn(signal) });
  if (wholeCheck !== null) addWholeCheck(settings, wholeCheck, jobs);
  onStop(() => jobs.stop());
  return { registry: jobs, expirySweep: () => expirySweep.run() };
}

/** At once where the start has not looked at all of it; then, or else, by its schedule. */
function addWholeCheck(settings: Settings, check: WholeCheck, jobs: JobRegistry): void {
  const cron = checkSchedule(settings);
  if (cron === undefined) return;
  const run = (signal: AbortSignal): Promise<void> => check.run(signal);
  const job = jobs.add({ name: 'whole_check', schedule: { cron }, run });
  if (check.isDue) job.turn();
}

function sweepSchedule({ gcSchedule, gcIntervalSecs }: Settings['hirag']): Schedule {
  return gcSchedule === undefined ? { everyMs: gcIntervalSecs * 1000 } : { cron: gcSchedule };
}
