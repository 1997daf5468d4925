import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { renderReference } from '../../../src/config/reference.ts';
import { CONFIG_SCHEMA } from '../../../src/config/schema.ts';
import type { SettingSchema } from '../../../src/config/setting.ts';
import { defaultSettings, toSettings } from '../../../src/config/settings.ts';
import { leaves } from '../../../src/config/tree.ts';
import { validate } from '../../../src/config/validate.ts';

const path = new URL('../../../config/reference.toml', import.meta.url);
const bare = { environment: {}, folder: '/nowhere', files: { read: () => null, isFolder: () => false } };

describe('config/reference.toml', () => {
  it('is what the schema says; `npm run generate` writes it', () => {
    expect(readFileSync(path, 'utf8')).toBe(renderReference());
  });

  it('holds the defaults and nothing else', () => {
    const written = parse(renderReference());
    expect(validate(CONFIG_SCHEMA, structuredClone(written))).toEqual([]);
    expect(toSettings(written)).toEqual(defaultSettings());
    // A setting that follows another is a comment: written down, it would stay what it is.
    const followers = renderReference().match(/^#(provider|driver) = "\w+"$/gm) ?? [];
    expect(followers).toHaveLength(2);
    expect(leaves(written)).toHaveLength(leaves(defaultSettings()).length - followers.length);
  });
});

describe('config/default.toml and production.toml', () => {
  it.each(['default', 'production'])('%s.toml is accepted', (name) => {
    const text = readFileSync(new URL(`../../../config/${name}.toml`, import.meta.url), 'utf8');
    const files = { read: (file: string) => (file.endsWith('/x.toml') ? text : null), isFolder: () => false };
    const { settings } = loadConfig({ environment: { CONFIG_PATH: '/x.toml' }, folder: '/nowhere', files });
    if (name === 'default') expect(settings).toEqual(loadConfig(bare).settings);
    else expect(settings.logging.format).toBe('json');
  });
});

describe('the schema', () => {
  it('describes every setting, and ends each description with a full stop', () => {
    const undescribed = (schema: SettingSchema, at: string): string[] => [
      ...(schema.description?.endsWith('.') || at === '' ? [] : [at]),
      ...Object.entries(schema.properties ?? {}).flatMap(([key, child]) => undescribed(child, `${at}/${key}`)),
    ];
    expect(undescribed(CONFIG_SCHEMA, '')).toEqual([]);
  });
});
