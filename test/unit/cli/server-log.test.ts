import { describe, expect, it } from 'vitest';
import { secretsOf } from '../../../src/cli/server/server-log.ts';
import type { KeySettings } from '../../../src/config/keys.ts';
import { CONFIG_SCHEMA } from '../../../src/config/schema.ts';
import type { SettingSchema } from '../../../src/config/setting.ts';
import { toSettings } from '../../../src/config/settings.ts';
import type { Tree } from '../../../src/config/tree.ts';

/** The settings with a secret of its own in each place that may hold one, which `secrets` is told; undefined: it has none. */
function withSecrets(schema: SettingSchema, path: string, secrets: string[]): unknown {
  const { properties, items, writeOnly, format } = schema;
  if (properties !== undefined) {
    const filled = Object.entries(properties).map(([name, child]) => [
      name,
      withSecrets(child, `${path}.${name}`, secrets),
    ]);
    return Object.fromEntries(filled.filter(([, value]) => value !== undefined)) as Tree;
  }
  if (items?.properties !== undefined) return [withSecrets(items, `${path}.0`, secrets)];
  if (writeOnly !== true && format !== 'redis-url') return undefined;
  const secret = `secret of ${path.slice(1)}`;
  secrets.push(secret);
  return writeOnly === true ? secret : `redis://:${encodeURIComponent(secret)}@localhost:6379/0`;
}

describe('the log of a server', () => {
  it('is told of every setting that is a secret, and of passwords in addresses', () => {
    const secrets: string[] = [];
    const settings = toSettings(withSecrets(CONFIG_SCHEMA, '', secrets) as Tree);
    expect(secrets).toEqual(expect.arrayContaining(['secret of keys.0.secret', 'secret of gateway.upstream_token']));
    expect(secretsOf(settings, settings.keys as readonly KeySettings[]).toSorted()).toEqual(secrets.toSorted());
  });
});
