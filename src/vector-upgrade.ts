import { Worker } from 'node:worker_threads';
import type { Clock } from './base/clock.ts';
import type { Settings } from './config/settings.ts';
import type { Log } from './base/log.ts';
import type { UpgradeState } from './fronts/http/components.ts';
import type { EmbeddingIdentity } from './store/reembedding.ts';
import type { UpgradeProgress, UpgradeWorkerData } from './vector-upgrade-messages.ts';

export interface VectorUpgradeOptions extends UpgradeWorkerData {
  readonly from: string;
  readonly to: EmbeddingIdentity;
  readonly clock: Clock;
  readonly log: Log;
}

const LINE_EVERY_MS = 10_000;

/** Undefined: there is nothing to be made anew, or not by the server. */
export function startUpgrade(
  settings: Pick<Settings, 'embedding' | 'vectorDb'>,
  from: string,
  to: EmbeddingIdentity | null,
  deps: Pick<VectorUpgradeOptions, 'clock' | 'log'>,
  onStop: (task: () => unknown) => void,
): VectorUpgrade | undefined {
  if (to === null) return undefined;
  if (settings.vectorDb.driver !== 'embedded') {
    const remedy = 'Run `context-manager reembed` with the same configuration, then start again.';
    deps.log.warn(
      { from, to: to.id, remedy },
      'an older version of the local embedder serves, as it made what is stored',
    );
    return undefined;
  }
  const upgrade = new VectorUpgrade({ settings, from, to, ...deps });
  upgrade.start();
  onStop(() => upgrade.stop());
  return upgrade;
}

/** Vectors made anew in a thread of its own, while those of before answer. What is made is kept, whenever it is stopped. */
export class VectorUpgrade {
  readonly #options: VectorUpgradeOptions;
  #worker: Worker | null = null;
  #ended: Promise<void> = Promise.resolve();
  #isStopping = false;
  #state: UpgradeState = { phase: 'running', looked: 0, total: 0 };
  #nextLineMs = 0;

  constructor(options: VectorUpgradeOptions) {
    this.#options = options;
  }

  get state(): UpgradeState {
    return this.#state;
  }

  start(): void {
    this.#ended = this.#run();
  }

  async #run(): Promise<void> {
    const { settings, from, to, log } = this.#options;
    const data = structuredClone({ settings: { embedding: settings.embedding, vectorDb: settings.vectorDb } });
    const worker = (this.#worker = new Worker(workerUrl(), { workerData: data satisfies UpgradeWorkerData }));
    const fields = { from, to: to.id };
    log.info(fields, 'stored contexts get their vectors by the new local embedder; until then the old ones answer');
    worker.on('message', (progress: UpgradeProgress) => this.#told(progress));
    worker.on('error', (error: unknown) => {
      if (this.#isStopping) return;
      this.#state = { ...this.#state, phase: 'failed' };
      log.error({ ...fields, err: error }, 'vectors cannot be made anew; the next start tries again');
    });
    await new Promise((resolve) => worker.once('exit', resolve));
    if (this.#state.phase === 'ready') log.info(fields, 'the new vectors are made: the next start takes them');
  }

  /** It ends by itself, behind the batch that it is at: a thread that is ended from outside may take the process with it. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#worker?.postMessage('stop');
    await this.#ended;
  }

  #told({ looked, total, isDone }: UpgradeProgress): void {
    this.#state = { phase: isDone ? 'ready' : 'running', looked, total };
    const { clock, log } = this.#options;
    if (isDone || clock.monotonicMs() < this.#nextLineMs) return;
    this.#nextLineMs = clock.monotonicMs() + LINE_EVERY_MS;
    log.info({ looked, total }, 'vectors are made anew');
  }
}

function workerUrl(): URL {
  return new URL(
    import.meta.url.endsWith('.ts') ? './vector-upgrade-worker.ts' : './vector-upgrade-worker.js',
    import.meta.url,
  );
}
