import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { DocumentReader, type ReaderBounds } from '../../../../src/fronts/gateway/ingest/document-reader.ts';
import type { Format } from '../../../../src/fronts/gateway/ingest/document-messages.ts';
import { pdf, said } from '../../../support/small-pdf.ts';

const MIB = 1024 * 1024;
const SMALL: Partial<ReaderBounds> = { chunksMax: 10, unitsMax: MIB, pagesMax: 3 };

function read(
  format: Format,
  bytes: Buffer,
  bounds: Partial<ReaderBounds> = SMALL,
  signal = new AbortController().signal,
) {
  return new DocumentReader(systemClock, bounds).read({ format, bytes, chunkTokens: 100 }, signal);
}

/** A page whose content is blanks without end, packed twice. */
function bomb(bytes: number): Buffer {
  const packed = deflateSync(deflateSync(Buffer.alloc(bytes, ' '), { level: 1 }));
  return pdf([packed], '/Filter[/FlateDecode/FlateDecode]');
}

describe('what a document may take is bounded', () => {
  it.each<[string, Format, Buffer, Partial<ReaderBounds>, string]>([
    ['chunks', 'markdown', Buffer.from('# a\nx\n'.repeat(11)), SMALL, 'more than 10 chunks'],
    ['text', 'text', Buffer.alloc(MIB + 1, 'a b '), SMALL, 'more than 1048576 characters'],
    ['pages', 'pdf', pdf(['a', 'b', 'c', 'd'].map(said)), SMALL, 'more than 3 pages'],
    ['nesting', 'html', Buffer.from(`${'<b>'.repeat(2_001)}x`), SMALL, 'more than 2000 marks'],
    ['time', 'pdf', bomb(48 * MIB), { ...SMALL, timeoutMs: 1 }, 'takes too long'],
    ['buffers', 'pdf', bomb(96 * MIB), { ...SMALL, buffersBytesMax: 16 * MIB }, 'too much memory'],
    ['heap', 'markdown', Buffer.alloc(6 * MIB, 'ab\n'), { unitsMax: 8 * MIB, heapMibMax: 16 }, 'too much memory'],
  ])('%s', async (_name, format, bytes, bounds, reason) => {
    const error = await read(format, bytes, bounds).catch((reasons: unknown) => reasons);
    expect(error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    expect(String(error)).toContain(reason);
  });

  it('and nobody who has gone is waited for', async () => {
    const gone = new AbortController();
    const reading = read('pdf', bomb(48 * MIB), {}, gone.signal);
    gone.abort();
    await expect(reading).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('and so is how many wait', async () => {
    const reader = new DocumentReader(systemClock);
    const document = { format: 'text', bytes: Buffer.from('one'), chunkTokens: 100 } as const;
    const readings = Array.from({ length: 19 }, () => reader.read(document, new AbortController().signal));
    const ended = await Promise.allSettled(readings);
    expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(18);
    expect(ended.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'OVERLOADED' } });
  });
});

it.each<[Format, string, string[]]>([
  ['markdown', 'before\n# a\n    # code\n## b\ntext\n# c\n', ['before', 'a\n\n# code', 'a > b\n\ntext']],
  ['markdown', '~~~\n# no\n```\n# no\n~~~\n####### no\n#no\n', ['~~~\n# no\n```\n# no\n~~~\n####### no\n#no']],
  ['markdown', '- one\n---\ntext\n\n---\nrest', ['- one\n---\ntext\n\n---\nrest']],
  ['html', 'no <b>marks</b> at<br/>all &lt;3', ['no marks at\nall <3']],
  ['html', '<pre>a\n  b</pre><table><tr><td>1</td><td>2</td></tr></table>', ['a\n  b\n\n1 2']],
  ['html', '<h1>a<p>b</h1><h3>c</h3>d<h2>e</h2>f', ['ab > c\n\nd', 'ab > e\n\nf']],
  ['html', '<script>x', []],
  ['text', '# none', ['# none']],
])('%s %j', async (format, text, chunks) => {
  const document = await read(format, Buffer.from(text), {});
  expect(document.chunks.map((chunk) => chunk.text)).toEqual(chunks);
});
