import { Writable, type Duplex } from 'node:stream';
import { createSecretKey } from 'node:crypto';
import { expect, it } from 'vitest';
import { noMetrics } from '../../../../src/base/metrics.ts';
import { FrameReader } from '../../../../src/protocol/frame.ts';
import { TagSequence } from '../../../../src/protocol/proof.ts';
import { FrameWriter } from '../../../../src/fronts/socket/writer.ts';

class Sink extends Writable {
  readonly writes: Buffer[][] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.writes.push([chunk]);
    done();
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.writes.push(chunks.map(({ chunk }) => chunk));
    done();
  }

  bodies(): Uint8Array[] {
    const reader = new FrameReader(1 << 30);
    for (const chunk of this.writes.flat()) reader.push(chunk);
    const bodies = [];
    for (let frame = reader.next(); frame !== null; frame = reader.next()) bodies.push(frame.body);
    return bodies;
  }
}

function create(): { sink: Sink; writer: FrameWriter } {
  const sink = new Sink();
  return { sink, writer: new FrameWriter(sink as unknown as Duplex, noMetrics) };
}

const key = createSecretKey(Buffer.alloc(32, 7));

it('writes what one tick sent as one chunk, when the tick ends', async () => {
  const { sink, writer } = create();
  for (let n = 0; n < 10; n++) writer.send(Buffer.alloc(20, n));
  expect(sink.writes).toEqual([]);
  expect(writer.bufferedBytes).toBe(200);
  await Promise.resolve();
  await new Promise<void>((resolve) => process.nextTick(resolve));
  expect(sink.writes.map((chunks) => chunks.length)).toEqual([1]);
  expect(sink.bodies()).toEqual(Array.from({ length: 10 }, (_, n) => Buffer.alloc(20, n)));
  expect(writer.bufferedBytes).toBe(0);
});

it('writes long bodies as they are, in order with the short ones, by few calls', () => {
  const { sink, writer } = create();
  const sizes = [10, 40_000, 20, 30, 33_000, 32_768, 5];
  const bodies: Buffer[] = sizes.map((size, n) => Buffer.alloc(size, n));
  for (const body of bodies) writer.send(body);
  writer.flush();
  expect(sink.writes.length).toBeLessThan(sink.writes.flat().length);
  expect(sink.writes.flat().filter((chunk) => bodies.includes(chunk))).toEqual([bodies[1], bodies[4], bodies[5]]);
  expect(sink.bodies()).toEqual(bodies);
});

class SlowSink extends Sink {
  #taken: (() => void) | null = null;

  override _write(chunk: Buffer, encoding: BufferEncoding, done: () => void): void {
    this.#taken = done;
    super._write(chunk, encoding, () => {});
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#taken = done;
    super._writev(chunks, () => {});
  }

  async take(): Promise<void> {
    const taken = this.#taken;
    this.#taken = null;
    taken?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it('gives a slow stream little at a time, keeps the order, and knows how much has left', async () => {
  const sink = new SlowSink();
  const writer = new FrameWriter(sink as unknown as Duplex, noMetrics);
  sink.on('drain', () => writer.pump());
  const bodies = [500_000, 10, 70_000, 3].map((size, n) => Buffer.alloc(size, n));
  for (const body of bodies) writer.send(body);
  writer.flush();
  const total = writer.bufferedBytes;
  expect(total).toBeGreaterThan(570_000);
  const left: number[] = [writer.takenBytes];
  while (writer.bufferedBytes > 0) {
    await sink.take();
    left.push(writer.takenBytes);
  }
  expect(left[0]).toBe(0);
  expect(left.at(-1)).toBe(total);
  expect(
    left
      .slice(1)
      .map((taken, index) => taken - left[index]!)
      .every((step) => step > 0 && step <= 132_000),
  ).toBe(true);
  expect(sink.bodies()).toEqual(bodies);
});

it('keeps its order where short frames follow what the stream has no room for, and hands over the rest at the end', async () => {
  const sink = new SlowSink();
  const writer = new FrameWriter(sink as unknown as Duplex, noMetrics);
  const bodies = [200_000, 5, 6].map((size, n) => Buffer.alloc(size, n));
  for (const body of bodies) {
    writer.send(body);
    writer.flush();
  }
  writer.end();
  for (let n = 0; n < 10; n++) await sink.take();
  expect(sink.bodies()).toEqual(bodies);
  expect(sink.writableFinished).toBe(true);
});

it('tags frames in order from the moment it has a key', () => {
  const { sink, writer } = create();
  writer.send(Buffer.from('before'));
  writer.startTags(new TagSequence(key));
  writer.send(Buffer.from('first'));
  writer.send(Buffer.from('second'));
  writer.flush();
  const reader = new FrameReader();
  reader.push(sink.writes[0]![0]!);
  const check = new TagSequence(key);
  expect(reader.next()!.tag).toBeNull();
  for (const text of ['first', 'second']) {
    const frame = reader.next()!;
    expect(Buffer.from(frame.body).toString()).toBe(text);
    expect(check.verify(frame.tag, frame.body)).toBe(true);
  }
});

it.each([0, 255, 256, 65_535, 65_536])('knows the length of a frame with a body of %i bytes', (size) => {
  for (const tagged of [true, false]) {
    const { sink, writer } = create();
    if (tagged) writer.startTags(new TagSequence(key));
    const said = writer.frameBytes(Buffer.alloc(size));
    writer.send(Buffer.alloc(size));
    writer.flush();
    expect(sink.writes[0]![0]!.readUInt32BE()).toBe(said);
  }
});

it('flushes before it ends, and sends nothing after', async () => {
  const { sink, writer } = create();
  writer.send(Buffer.from('last'));
  writer.end();
  writer.send(Buffer.from('too late'));
  writer.flush();
  writer.end();
  await new Promise((resolve) => sink.on('close', resolve));
  expect(sink.bodies()).toEqual([Buffer.from('last')]);
});

it('drops what cannot be written any more', () => {
  const { sink, writer } = create();
  writer.send(Buffer.from('x'));
  sink.destroy();
  writer.flush();
  expect(sink.writes).toEqual([]);
  expect(writer.bufferedBytes).toBe(0);
});
