import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StartupError } from '../../../src/base/errors.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { nodeConfigFiles } from '../../../src/config/node-files.ts';
import type { Settings } from '../../../src/config/settings.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cm-config-'));
  mkdirSync(join(folder, 'config'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const load = (environment: Record<string, string> = {}): Settings =>
  loadConfig({ environment, folder, files: nodeConfigFiles }).settings;

function failure(environment: Record<string, string> = {}): StartupError {
  try {
    load(environment);
  } catch (error) {
    if (error instanceof StartupError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

const TEXT = '[server]\nport = 7\n';

describe('a configuration file', () => {
  it.each([
    ['as it is', TEXT],
    ['behind a mark of UTF-8', `\ufeff${TEXT}`],
    ['with the line ends of Windows', TEXT.replaceAll('\n', '\r\n')],
    ['by CONFIG_PATH', TEXT],
  ])('is read %s', (how, text) => {
    const path = join(folder, how.includes('CONFIG_PATH') ? 'own.toml' : 'config/default.toml');
    writeFileSync(path, text);
    expect(load(how.includes('CONFIG_PATH') ? { CONFIG_PATH: 'own.toml' } : {}).server.port).toBe(7);
  });

  it.each([
    ['UTF-16', Buffer.from(`\ufeff${TEXT}`, 'utf16le')],
    ['Latin-1', Buffer.from('# grün\n', 'latin1')],
  ])('in %s is refused, and told what to do', (_, bytes) => {
    const path = join(folder, 'config', 'default.toml');
    writeFileSync(path, bytes);
    expect(failure()).toMatchObject({ message: `${path} is not UTF-8 text`, remedy: 'Save it as UTF-8.' });
  });

  it('with a NUL is refused by its line', () => {
    writeFileSync(join(folder, 'config', 'default.toml'), `${TEXT}\0`);
    expect(failure().message).toContain('default.toml:3 is not valid TOML');
  });

  it('that is a folder, a device, a pipe or far too long is refused', () => {
    mkdirSync(join(folder, 'config', 'default.toml'));
    expect(failure().message).toContain('default.toml is a folder, not a file');
    rmSync(join(folder, 'config', 'default.toml'), { recursive: true });
    expect(failure({ CONFIG_PATH: '/dev/zero' }).message).toBe('/dev/zero is no regular file');
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(failure({ CONFIG_PATH: 'pipe' }).message).toContain('pipe is no regular file');
    writeFileSync(join(folder, 'long.toml'), '#'.repeat(16 * 1024 * 1024 + 1));
    expect(failure({ CONFIG_PATH: 'long.toml' }).message).toContain('long.toml is longer than 16777216 bytes');
  });

  it.skipIf(process.getuid?.() === 0)('that this user may not read is refused', () => {
    writeFileSync(join(folder, 'own.toml'), TEXT);
    chmodSync(join(folder, 'own.toml'), 0);
    expect(failure({ CONFIG_PATH: 'own.toml' }).message).toContain('own.toml cannot be read (EACCES)');
  });
});
