import { Option, type Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { escapeControls, oneLine } from '../base/control-characters.ts';
import type { CodedError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import { noMetrics } from '../base/metrics.ts';
import { systemRandom } from '../base/random.ts';
import { Circuits } from '../base/resilience/circuits.ts';
import { checkDataFolder } from '../config/data-folder.ts';
import type { Settings } from '../config/settings.ts';
import type { EmbeddingIdentity, EmbedTexts, PassOutcome, Reembedding, RefusedContext } from '../store/reembedding.ts';
import { jsonOption, loadLocalConfig } from './server/connection.ts';
import { CommandError } from './terminal/command-error.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { Patience, patienceOption } from './terminal/patience.ts';
import { createProgress } from './terminal/progress.ts';
import { countOf } from './terminal/render.ts';
import { onInterrupt } from './terminal/signals.ts';

interface ReembedOptions {
  readonly config?: string;
  readonly patience: number;
  readonly json?: boolean;
}

const PATIENCE_SECONDS = 600;

const HELP = `
Run it with the new settings of the section embedding and the new vector_db.vector_size, in a file of their own (--config)
or in the environment, while the server goes on with the old ones: every stored text is embedded anew, and the old vectors
answer until the new ones take their place. Where a server is at work on the data, that is at its next start with the new
settings; else it is at the end of this command. What is stored, changed or deleted meanwhile is not missed.

Stop it and run it again at will: it goes on where it was.

Examples:
  context-manager reembed --config new-model.toml
  EMBEDDING__MODEL=intfloat/multilingual-e5-large context-manager reembed --json`;

/** `reembed` */
export function addReembed(program: Command, io: Io): void {
  program
    .command('reembed')
    .description('Change the embedding model or the length of vectors: embed all that is stored anew.')
    .addOption(new Option('--config <file>', 'file with the new settings, read as CONFIG_PATH is'))
    .addOption(patienceOption('how long to go on trying while the embedding service does not answer', PATIENCE_SECONDS))
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((options: ReembedOptions) => reembed(options, io));
}

async function reembed(options: ReembedOptions, io: Io): Promise<void> {
  const { settings, warnings, unused } = loadLocalConfig(io, options.config);
  for (const warning of [...warnings, ...unused]) await io.stderr.write(`warning: ${warning}\n`);
  if (settings.vectorDb.driver === 'embedded') checkDataFolder(settings.vectorDb.dataDir);
  const { openEmbedding, openReembedding, textEmbedder } = await import('../drivers.ts');
  const { withCache } = await import('../embedding/cache.ts');
  const parts = {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    metrics: noMetrics,
    circuits: new Circuits(),
  };
  const provider = await openEmbedding(settings, { ...parts, fetch });
  // No text comes twice, but what a vector must be is checked there.
  const embedding = withCache(provider, { maxEntries: 0, ttlMs: 1 }, systemClock, noMetrics);
  try {
    const reembedding = await openReembedding(settings.vectorDb, { ...parts, embedding });
    if (reembedding === null) return await reportNothing(embedding, options, io);
    try {
      await run(reembedding, { to: embedding, embed: textEmbedder(embedding) }, options, settings, io);
    } finally {
      await reembedding.close();
    }
  } finally {
    await provider.close();
  }
}

interface Model {
  readonly to: EmbeddingIdentity;
  readonly embed: EmbedTexts;
}

/** Contexts of a last pass: what comes while it runs will be about as many again. */
const NEARLY_NONE = 100;
const PASSES_MAX = 20;

async function run(
  reembedding: Reembedding,
  model: Model,
  options: ReembedOptions,
  settings: Settings,
  io: Io,
): Promise<void> {
  const total = await reembedding.count();
  const shown = new Shown(io, options, total);
  const settle = onInterrupt(io, 'interrupted; run the same command again to go on', () => shown.stop());
  const embed = patient(model.embed, options, (reason) => shown.wait(reason));
  const refused = new Map<string, RefusedContext>();
  let embedded = 0;
  try {
    for (let passes = 1; ; passes++) {
      const outcome = await reembedding.pass({
        embed,
        batchTexts: settings.embedding.batchSize,
        onProgress: (looked, now) => shown.update(looked, embedded + now, passes),
      });
      embedded += outcome.embedded;
      for (const one of outcome.refused) refused.set(`${one.namespace}\0${one.id}`, one);
      if (outcome.embedded <= NEARLY_NONE || passes === PASSES_MAX) {
        const switched = await reembedding.switchOver();
        shown.stop();
        return await report(
          { switched, outcome, embedded, refused: [...refused.values()] },
          reembedding,
          model,
          options,
          io,
        );
      }
    }
  } finally {
    settle();
    shown.stop();
  }
}

/** Goes on trying for a while where the service is away. */
function patient(embed: EmbedTexts, { patience }: ReembedOptions, onWait: (reason: string) => void): EmbedTexts {
  const patiently = Patience.ofSeconds(patience, {
    // A signal ends the process.
    signal: new AbortController().signal,
    gaveUp: (_, error) => (error.retryable ? gaveUp(error) : error),
    onWait: ({ message }) => onWait(message),
  });
  return (texts) => patiently.with('embedding service', () => embed(texts));
}

function gaveUp(error: CodedError): CommandError {
  return new CommandError(
    `${error.code}: ${error.message}`,
    'What was embedded is kept. Run the same command again when the embedding service answers.',
  );
}

const LINE_EVERY_MS = 10_000;

/** How far it is: a bar on a terminal, a line now and then elsewhere. */
class Shown {
  readonly #io: Io;
  readonly #json: boolean;
  readonly #total: number;
  readonly #bar: ReturnType<typeof createProgress>;
  #nextLineMs = systemClock.monotonicMs() + LINE_EVERY_MS;

  constructor(io: Io, { json = false }: ReembedOptions, total: number) {
    this.#io = io;
    this.#json = json;
    this.#total = total;
    this.#bar = createProgress(io, json || total === 0 ? undefined : total);
  }

  update(looked: number, embedded: number, pass: number): void {
    const note = `${countOf(embedded, 'context')} embedded${pass > 1 ? `, pass ${pass} for what came meanwhile` : ''}`;
    this.#bar.update(looked, note);
    if (this.#io.stderr.terminal !== undefined && !this.#json) return;
    if (systemClock.monotonicMs() < this.#nextLineMs) return;
    this.#nextLineMs = systemClock.monotonicMs() + LINE_EVERY_MS;
    const fields = { pass, looked_at: looked, total: this.#total, embedded };
    this.#line(this.#json ? JSON.stringify({ progress: fields }) : `${looked} of ${this.#total} looked at, ${note}`);
  }

  wait(reason: string): void {
    const message = `${reason}; trying again`;
    this.#line(this.#json ? JSON.stringify({ waiting: message }) : message);
  }

  stop(): void {
    this.#bar.stop();
  }

  /** What cannot be written is no reason to stop. */
  #line(text: string): void {
    this.#io.stderr.write(`${escapeControls(text)}\n`).catch(() => undefined);
  }
}

interface Done {
  readonly switched: boolean;
  readonly outcome: PassOutcome;
  readonly embedded: number;
  readonly refused: readonly RefusedContext[];
}

async function report(
  { switched, outcome, embedded, refused }: Done,
  { from }: Reembedding,
  { to }: Model,
  options: ReembedOptions,
  io: Io,
): Promise<void> {
  if (options.json) {
    return writeJson(io.stdout, {
      state: switched ? 'switched' : 'ready',
      from: { model: from.id, dimension: from.dimension },
      to: { model: to.id, dimension: to.dimension },
      contexts: outcome.contexts,
      embedded,
      refused,
    });
  }
  for (const { namespace, id, reason } of refused)
    await io.stderr.write(`refused: ${oneLine(`${namespace} ${id}: ${reason}`)}; words alone will find it\n`);
  await io.stdout.write(
    switched
      ? `${countOf(outcome.contexts, 'context')} now ${outcome.contexts === 1 ? 'has its vector' : 'have their vectors'} by ${to.id}\n`
      : `${countOf(outcome.contexts, 'context')} ready, ${embedded} of them embedded just now\nStop the server, or all of them over Qdrant, and start with the new settings: the vectors by ${to.id} then take their place.\n`,
  );
}

async function reportNothing(to: EmbeddingIdentity, options: ReembedOptions, io: Io): Promise<void> {
  if (options.json) {
    return writeJson(io.stdout, { state: 'nothing_to_do', to: { model: to.id, dimension: to.dimension } });
  }
  await io.stdout.write(`nothing to do: nothing is stored that was not embedded with ${to.id}\n`);
}
