import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { DEFAULT_HIRAG_SETTINGS } from '../../../src/hirag/settings.ts';
import { DEFAULT_LIMITS } from '../../../src/fronts/socket/limits.ts';
import { gateLimits } from '../../../src/api/limits.ts';
import { gateSettings, hiragSettings, keyConfigs, serverLimits } from '../../../src/wiring.ts';

const { config } = loadConfig({
  environment: {},
  folder: '/nowhere',
  files: { read: () => null, isFolder: () => false },
});

describe('the defaults of the configuration', () => {
  it('are those of the tiers', () => {
    expect(hiragSettings(config.hirag)).toEqual(DEFAULT_HIRAG_SETTINGS);
  });

  it('are those of the server', () => {
    expect(DEFAULT_LIMITS).toMatchObject(serverLimits(config.protocol));
    expect(gateLimits()).toEqual(gateSettings(config.protocol));
  });
});

describe('keyConfigs', () => {
  it("takes the secret's text as its bytes", () => {
    const [key] = keyConfigs([{ id: 'a', secret: 'grün', scopes: ['read'], namespaces: ['n'], notAfterMs: 5 }]);
    expect(key).toEqual({
      id: 'a',
      secret: Buffer.from('grün', 'utf8'),
      scopes: ['read'],
      namespaces: ['n'],
      notAfterMs: 5,
    });
  });
});
