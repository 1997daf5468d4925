import type { KeyChanges } from '../../api/key-ring.ts';
import { StartupError } from '../../base/errors.ts';
import { systemClock } from '../../base/clock.ts';
import { changedSettings } from '../../config/changes.ts';
import { readCertificates } from '../../config/certificates.ts';
import { resolveKeys, type ResolvedKeys } from '../../config/keys.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { nodeSecretFiles } from '../../config/node-files.ts';
import type { ServerSetup } from '../../live-settings.ts';
import type { RunningServer } from '../../main.ts';
import type { Io } from '../terminal/io.ts';
import { onHangup } from '../terminal/signals.ts';
import { loadLocalConfig } from './connection.ts';
import { secretsOf, type ServerLogging } from './server-log.ts';

/**
 * SIGHUP: opens the file of the log anew, where another program has moved it away, and takes over what files say now of keys and of
 * settings that are live; whole, or not at all. Not on a terminal, where SIGHUP says that it was closed.
 */
export class Reloading {
  readonly #io: Io;
  readonly #logging: ServerLogging;
  /** What does not change before the next start is compared with this. */
  readonly #started: LoadedConfig;
  #current: LoadedConfig;
  #server: Pick<RunningServer, 'reload'> | null = null;
  #isPending = false;

  constructor(io: Io, started: LoadedConfig, logging: ServerLogging) {
    this.#io = io;
    this.#logging = logging;
    this.#started = this.#current = started;
  }

  /** The returned function ends it. */
  listen(): () => void {
    return this.#io.stderr.columns === undefined ? onHangup(() => this.#onHangup()) : () => undefined;
  }

  /** The server runs: what was asked for while it started is done now. */
  running(server: Pick<RunningServer, 'reload'>): void {
    this.#server = server;
    if (this.#isPending) this.#reload(server);
  }

  #onHangup(): void {
    const { file } = this.#started.settings.logging;
    if (file !== undefined) this.#logging.lines.reopen(file);
    if (this.#server === null) this.#isPending = true;
    else this.#reload(this.#server);
  }

  #reload(server: Pick<RunningServer, 'reload'>): void {
    const { log } = this.#logging;
    const startedMs = systemClock.monotonicMs();
    try {
      const { setup, changes } = reloadWith(server, () => this.#read());
      const { loaded, warnings } = setup;
      const { added, removed, changed } = changes;
      const { live } = changedSettings(this.#current.values, loaded.values);
      this.#current = loaded;
      const { level } = loaded.settings.logging;
      log.level = level;
      const took_ms = Math.round(systemClock.monotonicMs() - startedMs);
      const ids = { keys_added: added, keys_removed: removed, keys_changed: changed };
      log.info({ log_level: level, ...ids, settings_changed: live, took_ms }, 'reloaded');
      this.#warn(loaded, warnings);
    } catch (error) {
      const remedy = error instanceof StartupError ? { remedy: error.remedy } : {};
      log.error({ error, ...remedy }, 'the configuration cannot be read again: all stays as it was');
    }
  }

  #read(): Read {
    const loaded = loadLocalConfig(this.#io);
    const { keys, warnings: ofKeys } = this.#keysOf(loaded);
    // Before anything is said with them.
    this.#logging.log.hide(secretsOf(loaded.settings, keys));
    // Of the files that the server was started with: what else [tls] says now counts from the next start on.
    const { certificates, warnings } = readCertificates(this.#started.settings.tls, systemClock.nowMs());
    return { loaded, settings: loaded.settings, keys, certificates, warnings: [...ofKeys, ...warnings] };
  }

  /** A secret that is gone is a fault: without a source of randomness none is made in its place. */
  #keysOf(loaded: LoadedConfig): ResolvedKeys {
    const { settings } = loaded;
    const { dataDir } = this.#started.settings.vectorDb;
    // Until a restart the data are where they were, and the generated secret with them.
    const here = { ...loaded, settings: { ...settings, vectorDb: { ...settings.vectorDb, dataDir } } };
    return resolveKeys(here, { environment: this.#io.environment, files: nodeSecretFiles });
  }

  #warn(loaded: LoadedConfig, others: readonly string[]): void {
    const { log } = this.#logging;
    const { afterRestart } = changedSettings(this.#started.values, loaded.values);
    if (afterRestart.length > 0)
      log.warn(
        { settings: afterRestart },
        'changed, but needs a restart: these settings are as they were at the start',
      );
    for (const warning of [...loaded.warnings, ...loaded.unused, ...others]) log.warn({}, warning);
  }
}

interface Read extends ServerSetup {
  readonly loaded: LoadedConfig;
  readonly warnings: readonly string[];
}

/** What cannot be read counts as a reload that failed, too. */
function reloadWith(
  server: Pick<RunningServer, 'reload'>,
  read: () => Read,
): { readonly setup: Read; readonly changes: KeyChanges } {
  let setup: Read | undefined;
  const changes = server.reload(() => (setup = read()));
  if (setup === undefined) throw new Error('the server has not read what to take over');
  return { setup, changes };
}
