import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { run } from '../../../src/cli.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { nodeConfigFiles } from '../../../src/config/node-files.ts';
import { hashOfToken } from '../../../src/fronts/gateway/tokens.ts';

const folder = mkdtempSync(join(tmpdir(), 'cm-token-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function makeToken(args: readonly string[]): Promise<string> {
  let said = '';
  const output = { write: (text: string) => Promise.resolve(void (said += text)) };
  const io = { stdin: emptyInput(), stdout: output, stderr: output, environment: {}, folder };
  expect(await run(['gateway', 'token', ...args], io, '1.2.3')).toBe(0);
  return said;
}

async function* emptyInput(): AsyncGenerator<Uint8Array> {
  yield* await Promise.resolve([]);
}

const settings = () => loadConfig({ environment: {}, folder, files: nodeConfigFiles }).settings.gateway;

it('makes a token and settings that let it in, and switches the gateway on where it is off', async () => {
  const said = await makeToken(['--agent', 'support-bot', '--namespace', 'shop']);
  const token = /^token {2}(cmg_[\w-]{43})\n/.exec(said)?.[1] ?? '';
  mkdirSync(join(folder, 'config'));
  writeFileSync(join(folder, 'config', 'default.toml'), said.slice(said.indexOf('[')));
  const tokens = [{ tokenHash: hashOfToken(token), keyId: 'default', agent: 'support-bot', namespace: 'shop' }];
  expect(settings()).toMatchObject({ enabled: true, tokens });
  expect(await makeToken([])).not.toContain('[gateway]');
});
