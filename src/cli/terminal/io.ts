import { escapeControlsInLines } from '../../base/control-characters.ts';
import type { Environment } from '../../config/environment.ts';
import { nodeOutput, type Output } from './node-output.ts';

/** The outside of a command: what a test replaces. */
export interface Io {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether somebody reads standard error and can answer on standard input: both are a terminal. */
  readonly isInteractive?: boolean;
  readonly environment: Environment;
  /** Where relative paths and `config/` are looked up. */
  readonly folder: string;
}

export function nodeIo(process: NodeJS.Process): Io {
  return {
    stdin: process.stdin,
    stdout: nodeOutput(process.stdout, 'standard output'),
    stderr: nodeOutput(process.stderr, 'standard error'),
    isInteractive: process.stdin.isTTY && process.stderr.isTTY,
    environment: process.env,
    folder: process.cwd(),
  };
}

/** In lines for people, who may read it in a terminal: what others sent does not steer it. */
export async function writeJson(output: Output, value: unknown): Promise<void> {
  await output.write(`${escapeControlsInLines(JSON.stringify(value, null, 2))}\n`);
}
