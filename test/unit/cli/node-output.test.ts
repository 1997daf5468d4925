import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { fileOutput, streamOutput } from '../../../src/cli/terminal/node-output.ts';

const folder = mkdtempSync(join(tmpdir(), 'cm-output-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function systemError(code: keyof typeof constants.errno): Error {
  return Object.assign(new Error(code), { code, errno: -constants.errno[code] });
}

/** A stream whose writes fail from the `failsFrom`th on. */
function failing(error: Error, failsFrom: number): { stream: NodeJS.WriteStream; written: string[] } {
  const written: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      if (written.length + 1 >= failsFrom) return done(error);
      written.push(text);
      done();
    },
  });
  return { stream: stream as NodeJS.WriteStream, written };
}

describe('an output to a file', () => {
  it('writes on where the system took a part of the bytes', async () => {
    const taken: Uint8Array[] = [];
    const output = fileOutput(-1, 'standard output', (bytes) => {
      const part = bytes.slice(0, 3);
      taken.push(part);
      return Promise.resolve(part.length);
    });
    await output.write('exported, line by line: grüße\n');
    expect(Buffer.concat(taken).toString()).toBe('exported, line by line: grüße\n');
  });

  it('fails where the rest of a write does not fit any more', async () => {
    let room = 5;
    const output = fileOutput(-1, 'standard output', (bytes) => {
      if (room === 0) return Promise.reject(systemError('ENOSPC'));
      const count = Math.min(room, bytes.length);
      room -= count;
      return Promise.resolve(count);
    });
    await output.write('1234');
    await expect(output.write('5678')).rejects.toMatchObject({
      message: 'cannot write to standard output: no space left on device (ENOSPC)',
      remedy: 'Make room there, or write to another place.',
      exitCode: 1,
    });
  });

  it('is on its disk after sync', async () => {
    const path = join(folder, 'file');
    const fd = openSync(path, 'w');
    const output = fileOutput(fd, 'standard output');
    await output.write('line\n');
    await output.sync?.();
    expect(readFileSync(path, 'utf8')).toBe('line\n');
    closeSync(fd);
    await expect(output.sync?.()).rejects.toThrow('cannot write to standard output: bad file descriptor (EBADF)');
  });
});

describe('an output to a stream', () => {
  it('passes over a reader that went away', async () => {
    const { stream, written } = failing(systemError('EPIPE'), 2);
    const output = streamOutput(stream, 'standard output');
    await output.write('1\n');
    expect(output.isGone?.()).toBe(false);
    await output.write('2\n');
    await output.write('3\n');
    expect(written).toEqual(['1\n']);
    expect(output.isGone?.()).toBe(true);
  });

  it.each([
    ['ENOSPC', 'no space left on device'],
    ['EIO', 'i/o error'],
    ['ECONNRESET', 'connection reset by peer'],
  ] as const)('fails with %s, then and ever after', async (code, reason) => {
    const { stream } = failing(systemError(code), 2);
    const output = streamOutput(stream, 'standard output');
    await output.write('1\n');
    const message = `cannot write to standard output: ${reason} (${code})`;
    await expect(output.write('2\n')).rejects.toThrow(message);
    await expect(output.write('3\n')).rejects.toThrow(message);
    expect(output.isGone?.()).toBe(false);
  });

  it('tells an error that came between two writes', async () => {
    const { stream } = failing(new Error('unused'), 99);
    const output = streamOutput(stream, 'standard output');
    await output.write('1\n');
    stream.destroy(systemError('EIO'));
    await expect(output.write('2\n')).rejects.toThrow('i/o error (EIO)');
  });
});
