import { availableParallelism } from 'node:os';
import type { Clock } from './base/clock.ts';
import { StartupError } from './base/errors.ts';
import type { Log } from './base/log.ts';
import type { Metrics } from './base/metrics.ts';
import type { Random } from './base/random.ts';
import type { Settings } from './config/settings.ts';
import { createHttpProvider, prefixesOfModel } from './embedding/http.ts';
import { createLocalProvider } from './embedding/local.ts';
import { createLocalThread } from './embedding/local-thread.ts';
import type { EmbeddingProvider } from './embedding/provider.ts';
import { openEmbeddedStore } from './store/embedded/open-embedded-store.ts';
import { openMemoryStore } from './store/memory/open-memory-store.ts';
import type { ContextStore } from './store/store.ts';

type EmbeddingSettings = Settings['embedding'];
type StoreSettings = Settings['vectorDb'];

export interface EmbeddingParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly fetch: typeof fetch;
}

/** A provider that may hold a thread or connections. */
export type OpenedProvider = EmbeddingProvider & { close(): Promise<void> };

export interface StoreParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** What the stored vectors are made by. */
  readonly embedding: Pick<EmbeddingProvider, 'id' | 'dimension'>;
}

/** By `embedding.provider`. */
const EMBEDDING_DRIVERS: Readonly<
  Record<EmbeddingSettings['provider'], (settings: EmbeddingSettings, parts: EmbeddingParts) => OpenedProvider>
> = {
  local: ({ dimension }, parts) =>
    // Beside the main thread, where there is a core for it.
    availableParallelism() > 1
      ? createLocalThread({ ...parts, dimension })
      : withoutResources(createLocalProvider({ dimension })),
  http: (settings, { fetch }) => {
    const model = required(settings.model, 'embedding.model', 'embedding.provider = "http"');
    const prefixes = prefixesOfModel(model);
    return withoutResources(
      createHttpProvider({
        ...settings,
        url: required(settings.url, 'embedding.url', 'embedding.provider = "http"'),
        model,
        queryPrefix: settings.queryPrefix ?? prefixes.query,
        passagePrefix: settings.passagePrefix ?? prefixes.passage,
        fetch,
      }),
    );
  },
};

/** By `vector_db.driver`. */
const STORE_DRIVERS: Readonly<
  Record<StoreSettings['driver'], (settings: StoreSettings, parts: StoreParts) => Promise<ContextStore>>
> = {
  // Its thread gets a copy of the options, so none may be there that has no copy.
  embedded: (settings, { clock, log, metrics, embedding }) =>
    openEmbeddedStore({ clock, log, metrics, ...settings, embeddingId: embedding.id, dimension: embedding.dimension }),
  memory: (_settings, { clock, random, log, embedding }) =>
    Promise.resolve(openMemoryStore({ clock, random, log, dimension: embedding.dimension })),
};

/** The embedder that the settings name, without a cache. Throws `StartupError` where a setting is missing. */
export function openEmbedding(settings: EmbeddingSettings, parts: EmbeddingParts): OpenedProvider {
  return EMBEDDING_DRIVERS[settings.provider](settings, parts);
}

/** The store that the settings name. Throws `StartupError` where its data cannot be used as they are. */
export function openStore(settings: StoreSettings, parts: StoreParts): Promise<ContextStore> {
  return STORE_DRIVERS[settings.driver](settings, parts);
}

/** A setting that one driver needs and no other does. */
function required<T>(value: T | undefined, setting: string, why: string): T {
  if (value === undefined)
    throw new StartupError(`\`${setting}\` is not set`, `${why} needs it; see config/reference.toml.`);
  return value;
}

function withoutResources(provider: EmbeddingProvider): OpenedProvider {
  return Object.assign(provider, { close: () => Promise.resolve() });
}
