import { describe, expect, it } from 'vitest';
import { textTraits } from '../../../../../src/base/text/traits.ts';
import {
  deriveFromText,
  parseTraits,
  splitTraits,
  tellsSpeaker,
} from '../../../../../src/store/embedded/database/derived-text.ts';

const storedTraits = (text: string, metadata = '{}'): string =>
  splitTraits(deriveFromText(text, metadata).traits).traits;

describe('traits as they are stored', () => {
  it.each([
    ['nothing to say', 'the kettle is on the stove'],
    ['a speaker', 'Ann Lee: the kettle is on the stove'],
    ['a question', 'is the kettle on the stove?'],
    ['a question of a speaker', 'Ann: is the kettle on the stove?'],
    ['times', 'the kettle broke on 7 May 2023, and again yesterday'],
    ['all of them', 'Ann Lee: did the kettle break yesterday, or in May 2023?'],
    ['signs that divide them', '?@ @?: @yesterday@ @Ann@?'],
  ])('are read as they were: %s', (_, text) => {
    const traits = textTraits(text);
    expect(parseTraits(storedTraits(text))).toEqual(traits);
    expect(tellsSpeaker(storedTraits(text))).toBe(traits.speaker.length > 0);
  });

  it('have the speaker of the metadata where the text tells none', () => {
    const stored = storedTraits('was it yesterday?', '{"speaker":"Ann Lee"}');
    expect(parseTraits(stored)).toEqual({ ...textTraits('was it yesterday?'), speaker: ['ann', 'lee'] });
    expect(tellsSpeaker(stored)).toBe(true);
  });
});
