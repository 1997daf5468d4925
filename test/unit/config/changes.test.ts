import { describe, expect, it } from 'vitest';
import { changedSettings } from '../../../src/config/changes.ts';
import { CONFIG_SCHEMA } from '../../../src/config/schema.ts';
import type { SettingSchema } from '../../../src/config/setting.ts';

describe('changed settings', () => {
  it('are told apart by whether a running server takes them over', () => {
    const before = { server: { port: 1, max_connections: 5 }, vector_db: { hnsw: { m: 8 } } };
    const after = { server: { port: 2, max_connections: 6 }, logging: { level: 'debug' } };
    expect(changedSettings(before, after)).toEqual({
      live: ['server.max_connections', 'logging.level'],
      afterRestart: ['server.port', 'vector_db.hnsw.m'],
    });
  });

  it('are none where one says what the default of the other is', () => {
    expect(changedSettings({}, { server: { port: 7420 }, keys: [], rate_limit: {} })).toEqual({
      live: [],
      afterRestart: [],
    });
  });

  it('name keys as one, and secrets by their name alone', () => {
    const changes = changedSettings(
      { keys: [{ id: 'a', secret: 'one' }], vector_db: { api_key: 'x' } },
      { keys: [{ id: 'a', secret: 'two' }], vector_db: { api_key: 'y' } },
    );
    expect(changes).toEqual({ live: ['keys'], afterRestart: ['vector_db.api_key'] });
  });

  it('that are live are these', () => {
    const liveUnder = (schema: SettingSchema, path: string): string[] =>
      schema.isLive === true
        ? [path]
        : Object.entries(schema.properties ?? {}).flatMap(([name, child]) => liveUnder(child, `${path}.${name}`));
    expect(liveUnder(CONFIG_SCHEMA, '')).toEqual([
      '.server.max_connections',
      '.server.max_connections_per_address',
      '.rate_limit.enabled',
      '.rate_limit.requests_per_minute',
      '.rate_limit.burst_size',
      '.rate_limit.auth_failures_per_minute',
      '.rate_limit.max_auth_delay_ms',
      '.protocol.max_in_flight_total',
      '.keys',
      '.gateway.tokens',
      '.gateway.upstream_url',
      '.gateway.upstream_token',
      '.logging.level',
      '.logging.slow_request_ms',
    ]);
  });
});
