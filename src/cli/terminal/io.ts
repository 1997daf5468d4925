import type { Environment } from '../../config/environment.ts';

/** The outside of a command: what a test replaces. */
export interface Io {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: Environment;
  /** Where relative paths and `config/` are looked up. */
  readonly folder: string;
}

export interface Output {
  /** Resolves when more may be written. */
  write(text: string): Promise<void>;
  /** Characters in a line; absent: not a terminal. */
  readonly columns?: number;
  /** The terminal itself, where it is one. */
  readonly terminal?: NodeJS.WriteStream;
}

export function nodeIo(process: NodeJS.Process): Io {
  return {
    stdin: process.stdin,
    stdout: nodeOutput(process.stdout),
    stderr: nodeOutput(process.stderr),
    environment: process.env,
    folder: process.cwd(),
  };
}

/** Waits where the reader is slow; a reader that went away (`| head`) is none of our errors. */
function nodeOutput(stream: NodeJS.WriteStream): Output {
  let gone = false;
  stream.on('error', () => {
    gone = true;
  });
  return {
    write: (text) =>
      new Promise((resolve) => {
        if (gone) resolve();
        else stream.write(text, () => resolve());
      }),
    ...(stream.isTTY ? { columns: stream.columns, terminal: stream } : {}),
  };
}

export async function writeJson(output: Output, value: unknown): Promise<void> {
  await output.write(`${JSON.stringify(value, null, 2)}\n`);
}
