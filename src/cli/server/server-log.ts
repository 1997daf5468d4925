import { systemClock } from '../../base/clock.ts';
import { LineRate } from '../../base/line-rate.ts';
import type { KeySettings } from '../../config/keys.ts';
import type { Settings } from '../../config/settings.ts';
import { appendLines, stderrLines, type LineFile } from '../../fronts/http/line-file.ts';
import { createLog, type ServerLog } from '../../fronts/http/log.ts';
import type { Io } from '../terminal/io.ts';

export interface ServerLogging {
  readonly log: ServerLog;
  readonly lines: LineFile;
}

/** The log of a server, in a file or on standard error. Throws `StartupError` where the file cannot be opened. */
export function openServerLog(settings: Settings, keys: readonly KeySettings[], io: Io): ServerLogging {
  const { level, format, file } = settings.logging;
  const lines = file === undefined ? stderrLines() : appendLines(file, 'logging.file', troubleOn(io, file));
  const isTerminal = file === undefined && io.stderr.columns !== undefined;
  const shown = format !== 'auto' ? format : isTerminal ? 'text' : 'json';
  return { log: createLog({ level, format: shown, secrets: secretsOf(settings, keys) }, lines), lines };
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

/** What may not come out. */
export function secretsOf(
  { embedding, rateLimit, vectorDb, summary, gateway }: Settings,
  keys: readonly KeySettings[],
): string[] {
  const ofBackends = [
    embedding.apiToken,
    vectorDb.apiKey,
    vectorDb.encryptionKey,
    vectorDb.previousEncryptionKey,
    summary.apiToken,
    passwordOf(embedding.redisUrl),
    passwordOf(rateLimit.redisUrl),
    gateway.upstreamToken,
    ...gateway.tokens.map(({ upstreamToken }) => upstreamToken),
  ];
  return [...ofBackends.filter((secret) => secret !== undefined), ...keys.map(({ secret }) => secret)];
}

function passwordOf(url: string | undefined): string | undefined {
  const password = url === undefined ? '' : (URL.parse(url)?.password ?? '');
  return password === '' ? undefined : decodeURIComponent(password);
}
