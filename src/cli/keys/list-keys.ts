import { systemClock } from '../../base/clock.ts';
import { oneLine } from '../../base/control-characters.ts';
import { parseDateTime } from '../../base/date-time.ts';
import { DEFAULT_KEY_ID, EVERY_NAMESPACE, SCOPES } from '../../base/wire-names.ts';
import { readKeyUsage } from '../../jobs/key-usage.ts';
import { writeJson, type Io } from '../terminal/io.ts';
import { countOf, formatTime, renderRows } from '../terminal/render.ts';
import type { KeyFile } from './key-file.ts';
import { describeSecret } from './secret-place.ts';

type State = 'active' | 'disabled' | 'expired';

/** Keys as the settings have them, with what the server has counted in the data folder. */
export async function listKeys(file: KeyFile, isJson: boolean, io: Io): Promise<void> {
  const { settings } = file.loaded;
  const { dataDir } = settings.vectorDb;
  const used = readKeyUsage(dataDir);
  const nowMs = systemClock.nowMs();
  const implied = { id: DEFAULT_KEY_ID, scopes: SCOPES, namespaces: [EVERY_NAMESPACE], disabled: false };
  const configured = settings.keys.length > 0 ? settings.keys : [{ ...implied, notAfter: undefined }];
  const keys = configured.map(({ id, scopes, namespaces, notAfter, disabled }, place) => {
    const isOver = notAfter !== undefined && nowMs >= (parseDateTime(notAfter) ?? 0);
    const state: State = disabled ? 'disabled' : isOver ? 'expired' : 'active';
    const { requests = 0, lastUsedAtMs = null } = used.get(id) ?? {};
    const secret = describeSecret(file.entries[place] ?? {}, dataDir);
    return { id, state, scopes, namespaces, secret, notAfter: notAfter ?? null, requests, lastUsedAtMs };
  });
  if (isJson) {
    return writeJson(io.stdout, {
      config_file: settings.keys.length > 0 ? file.path : null,
      keys: keys.map(({ notAfter, lastUsedAtMs, ...key }) => ({
        ...key,
        not_after: notAfter,
        last_used_at: lastUsedAtMs,
      })),
    });
  }
  const rows = keys.map(({ id, state, scopes, namespaces, secret, notAfter, requests, lastUsedAtMs }) => [
    oneLine(id),
    state,
    scopes.join(','),
    namespaces.join(','),
    countOf(requests, 'request'),
    lastUsedAtMs === null ? 'never used' : `last ${formatTime(lastUsedAtMs)}`,
    notAfter === null ? '' : `until ${notAfter}`,
    oneLine(secret),
  ]);
  await io.stdout.write(renderRows(rows, io.stdout.columns));
}
