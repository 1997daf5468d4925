import { join } from 'node:path';
import { run } from '../../../src/cli.ts';
import type { ServerProcess, Variables } from './processes.ts';

export interface CommandOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command line of this process against a server of its own: as fast as the command itself. */
export async function runCommand(
  server: ServerProcess,
  folder: string,
  args: readonly string[],
  { input = '', environment = {} }: { readonly input?: string | Uint8Array; readonly environment?: Variables } = {},
): Promise<CommandOutcome> {
  const written = { stdout: '', stderr: '' };
  const output = (name: keyof typeof written): { write(text: string): Promise<void> } => ({
    write(text) {
      written[name] += text;
      return Promise.resolve();
    },
  });
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from(input));
  }
  const io = { stdin: chunks(), stdout: output('stdout'), stderr: output('stderr'), environment, folder };
  const secret = args.includes('--secret-file') ? [] : ['--secret-file', join(server.dataDir, 'secret')];
  const code = await run([...args, '--port', String(server.port), ...secret], io, '1.2.3');
  return { code, ...written };
}
