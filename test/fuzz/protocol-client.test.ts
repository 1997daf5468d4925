import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContextManagerError } from '../../clients/typescript/src/index.ts';
import { encodeFrame } from '../../src/protocol/frame.ts';
import { session } from '../wire/vector-files.ts';
import { ScriptedServer } from '../unit/client/scripted-server.ts';

/** fast-check prints the seed and the path of a failure; `{seed, path}` in these options repeats it. */
const RUNS = { numRuns: 60 };
const bodies = session.frames.map(({ body }) => Buffer.from(body, 'hex'));
const garbage = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 300 }),
  fc.constantFrom(...session.frames.map(({ frame }) => Buffer.from(frame, 'hex'))),
  fc
    .record({ body: fc.constantFrom(...bodies), tagged: fc.boolean() })
    .map(({ body, tagged }) => encodeFrame(tagged ? Buffer.alloc(32) : null, body)),
);

describe('a client', () => {
  it('whose server sends garbage in place of a reply makes the call again elsewhere', async () => {
    await fc.assert(
      fc.asyncProperty(garbage, async (bytes) => {
        const server = new ScriptedServer((request, peer) => {
          if (peer.number > 0) return peer.reply(request, { from: peer.number });
          peer.stream.write(bytes);
          return peer.cut();
        });
        const client = await server.connect();
        expect(await client.query({ query: 'a' })).toEqual({ from: 1 });
        await client.close();
      }),
      RUNS,
    );
  });

  it('whose server sends garbage in place of hello says so', async () => {
    await fc.assert(
      fc.asyncProperty(garbage, async (bytes) => {
        const server = new ScriptedServer();
        const silent = new ScriptedServer();
        silent.openStream = () => {
          const stream = server.openStream();
          // What the scripted peer says first never arrives; the garbage does.
          stream.read();
          stream.unshift(bytes);
          server.peers.at(-1)!.cut();
          return stream;
        };
        await expect(silent.connect()).rejects.toBeInstanceOf(ContextManagerError);
      }),
      RUNS,
    );
  });
});
