import { CodedError } from '../base/errors.ts';
import { Job, type JobDeps, type JobSpec } from './job.ts';
import { nextTurnMs, scheduleText, startSchedule } from './schedule.ts';

/** How one did of late, and when it is its turn again. */
export interface JobState
  extends Pick<Job<unknown>, 'name' | 'isRunning' | 'lastOutcome' | 'lastStartedAtMs' | 'lastDurationMs'> {
  readonly schedule: string;
  /** In milliseconds since the epoch; null: never. */
  readonly nextAtMs: number | null;
}

/** All work that runs by schedule, under one roof: started together, run by hand by name, waited for at the end. */
export class JobRegistry {
  readonly #deps: JobDeps;
  readonly #jobs = new Map<string, Job<unknown>>();
  readonly #abort = new AbortController();
  /** Working out when an expression's turn is again takes a while: it is known until that has come. */
  readonly #nextTurns = new WeakMap<Job<unknown>, number | null>();
  #stopSchedules: (() => void)[] = [];
  #startedMs = 0;

  constructor(deps: JobDeps) {
    this.#deps = deps;
  }

  /** The job that it makes has no turn before `start`. A name stands for one job. */
  add<T>(spec: JobSpec<T>): Job<T> {
    if (this.#jobs.has(spec.name)) throw new CodedError('INTERNAL', `there are two jobs named ${spec.name}`);
    const job = new Job(spec, this.#deps, this.#abort.signal);
    this.#jobs.set(spec.name, job);
    return job;
  }

  /** By hand, as a test or an operator would; see `Job.run`. */
  run(name: string): Promise<unknown> {
    const job = this.#jobs.get(name);
    if (job === undefined) throw new CodedError('INTERNAL', `there is no job named ${name}`);
    return job.run();
  }

  get names(): readonly string[] {
    return [...this.#jobs.keys()];
  }

  get states(): readonly JobState[] {
    const nowMs = this.#deps.clock.nowMs();
    return [...this.#jobs.values()].map((job) => {
      const { name, isRunning, lastOutcome, lastStartedAtMs, lastDurationMs } = job;
      const schedule = scheduleText(job.schedule);
      return {
        name,
        isRunning,
        lastOutcome,
        lastStartedAtMs,
        lastDurationMs,
        schedule,
        nextAtMs: this.#nextOf(job, nowMs),
      };
    });
  }

  start(): void {
    this.#startedMs = this.#deps.clock.nowMs();
    for (const job of this.#jobs.values()) {
      this.#stopSchedules.push(startSchedule(job.schedule, this.#deps.clock, () => job.turn()));
    }
  }

  /** No further turns; tells those that run to end, and resolves when they have. */
  async stop(): Promise<void> {
    for (const stopSchedule of this.#stopSchedules.splice(0)) stopSchedule();
    this.#abort.abort(new CodedError('SHUTTING_DOWN', 'the server is shutting down'));
    await Promise.all([...this.#jobs.values()].map((job) => job.idle()));
  }
  #nextOf(job: Job<unknown>, nowMs: number): number | null {
    const known = this.#nextTurns.get(job);
    if (known === null || (known !== undefined && known > nowMs)) return known;
    const next = nextTurnMs(job.schedule, this.#startedMs, nowMs);
    this.#nextTurns.set(job, next);
    return next;
  }
}
