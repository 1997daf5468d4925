import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { expect, it } from 'vitest';
import { run } from '../../../src/cli.ts';

const ROOT = new URL('../../../', import.meta.url);
const CHECKOUT = '/path/to/context-manager/';
const readme = readFileSync(new URL('README.md', ROOT), 'utf8');

interface Started {
  readonly command: string;
  readonly args: readonly string[];
}

function block(language: string, holding: string): string {
  const blocks = [...readme.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, text = '']) => text);
  return blocks.find((text) => text.includes(holding)) ?? '';
}

const json = JSON.parse(block('json', 'mcpServers')) as { mcpServers: { memory: Started } };
const toml = parse(block('toml', 'mcp_servers')) as unknown as { mcp_servers: { memory: Started } };

it.each([
  ['Claude Code and Cursor', json.mcpServers.memory],
  ['Codex', toml.mcp_servers.memory],
])(
  'the block of README.md for %s starts a command that there is, with options that it knows',
  async (_client, block) => {
    const [script = '', ...args] = block.args;
    expect(block.command).toBe('node');
    expect(script.startsWith(CHECKOUT)).toBe(true);
    expect(existsSync(new URL(script.slice(CHECKOUT.length), ROOT))).toBe(true);
    let shown = '';
    const output = { write: (text: string) => Promise.resolve(void (shown += text)) };
    const code = await run(
      [...args, '--help'],
      { stdin: noInput(), stdout: output, stderr: output, environment: {}, folder: '/' },
      '1',
    );
    expect(code).toBe(0);
    expect(shown).toContain(`Usage: context-manager ${args[0]}`);
    for (const option of args.slice(1)) expect(shown).toContain(option);
  },
);

async function* noInput(): AsyncGenerator<Uint8Array> {}
