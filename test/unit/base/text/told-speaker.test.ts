import { describe, expect, it } from 'vitest';
import { speakerInJson, speakerInMetadata } from '../../../../src/base/text/told-speaker.ts';

describe('speakerInMetadata', () => {
  it.each([
    [{ speaker: 'Ann Lee' }, ['ann', 'lee']],
    [{ author: 'José' }, ['jose']],
    [{ role: 'user', name: 'Mara' }, ['mara']],
    [{ message: { role: 'assistant', name: 'Mara' } }, ['mara']],
    // Somebody, whom no question names.
    [{ role: 'user' }, ['~']],
    [{ speaker: 'assistant' }, ['~']],
    [{ message: { role: 'tool' } }, ['~']],
  ])('%j', (metadata, speaker) => {
    expect(speakerInMetadata(metadata)).toEqual(speaker);
    expect(speakerInJson(JSON.stringify(metadata))).toEqual(speaker);
  });

  it.each([
    {},
    { name: 'report.pdf' },
    { role: 'admin', name: 'Mara' },
    { speaker: '' },
    { speaker: 7 },
    { speaker: 'the one who sat in the first row of the hall' },
    { author: 'one two three four five' },
    { message: 'hello' },
    { message: { message: { role: 'user' } } },
  ])('nobody: %j', (metadata) => {
    expect(speakerInMetadata(metadata)).toEqual([]);
    expect(speakerInJson(JSON.stringify(metadata))).toEqual([]);
  });

  it('is nobody in what is no JSON', () => {
    expect(speakerInJson('{"speaker": ')).toEqual([]);
  });
});
