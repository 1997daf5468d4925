import { systemClock } from '../../base/clock.ts';
import { LineRate } from '../../base/line-rate.ts';
import type { KeySettings } from '../../config/keys.ts';
import type { Settings } from '../../config/settings.ts';
import { appendLines, stderrLines, type LineFile } from '../../fronts/http/line-file.ts';
import { createLog, type ServerLog } from '../../fronts/http/log.ts';
import { onHangup } from '../terminal/signals.ts';
import type { Io } from '../terminal/io.ts';
import { loadLocalConfig } from './connection.ts';

/** More would cost every line too much. */
const SECRETS_MAX = 64;

/** The log of a server, in a file or on standard error. Throws `StartupError` where the file cannot be opened. */
export function openServerLog(
  settings: Settings,
  keys: readonly KeySettings[],
  io: Io,
): { readonly log: ServerLog; readonly lines: LineFile } {
  const { level, format, file } = settings.logging;
  const lines = file === undefined ? stderrLines() : appendLines(file, 'logging.file', troubleOn(io, file));
  const isTerminal = file === undefined && io.stderr.columns !== undefined;
  const shown = format !== 'auto' ? format : isTerminal ? 'text' : 'json';
  return { log: createLog({ level, format: shown, secrets: secretsOf(settings, keys) }, lines), lines };
}

/**
 * From now on SIGHUP opens the file of the log anew, where another program has moved it away, and reads its level from the
 * configuration again. Not on a terminal, where SIGHUP says that it was closed. The returned function ends it.
 */
export function reloadOnHangup(
  { file }: Settings['logging'],
  { log, lines }: { readonly log: ServerLog; readonly lines: LineFile },
  io: Io,
): () => void {
  if (io.stderr.columns !== undefined) return () => undefined;
  return onHangup(() => {
    if (file !== undefined) lines.reopen(file);
    try {
      const { level } = loadLocalConfig(io).settings.logging;
      log.level = level;
      log.info({ log_level: level }, 'reloaded');
    } catch (error) {
      log.error({ error }, 'the configuration cannot be read again: all stays as it was');
    }
  });
}

/** Standard error takes what the file does not: that there is something to mend. */
function troubleOn(io: Io, file: string): (error: Error | null) => void {
  const rate = new LineRate(systemClock);
  return (error) => {
    if (rate.pass('trouble') === null) return;
    const reason = error === null ? 'too many lines wait' : error.message;
    io.stderr.write(`${file} does not take lines of the log: ${reason}\n`).catch(() => undefined);
  };
}

function secretsOf({ embedding, vectorDb }: Settings, keys: readonly KeySettings[]): string[] {
  const ofBackends = [embedding.apiToken, vectorDb.apiKey, passwordOf(embedding.redisUrl)];
  return [...ofBackends.filter((secret) => secret !== undefined), ...keys.map(({ secret }) => secret)].slice(
    0,
    SECRETS_MAX,
  );
}

function passwordOf(url: string | undefined): string | undefined {
  const password = url === undefined ? '' : (URL.parse(url)?.password ?? '');
  return password === '' ? undefined : decodeURIComponent(password);
}
