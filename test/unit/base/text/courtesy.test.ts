import { describe, expect, it } from 'vitest';
import { analyzeQuery } from '../../../../src/base/text/analyzer.ts';
import { requestOf } from '../../../../src/base/text/courtesy.ts';

describe('a question and what is wrapped around it', () => {
  it.each([
    ['Could you please tell me, if you happen to remember: where does Ann live?', 'where does Ann live?'],
    ['Hello! I was wondering whether you could help me find out which dog Bob has', 'which dog Bob has'],
    ["Do you remember Ann's trip? Thank you very much", "Ann's trip?"],
    ['Please tell me where Ann lives, thanks in advance', 'where Ann lives,'],
    ['Könnten Sie mir bitte sagen, wo Anna wohnt?', 'wo Anna wohnt?'],
    ['Bonjour, pourriez-vous me dire où habite Anna ?', 'où habite Anna ?'],
    ['Не могли бы вы сказать, где живёт Анна?', 'где живёт Анна?'],
  ])('%s', (text, core) => {
    expect(requestOf(text).core).toBe(core);
  });

  it.each([
    'What help did she get?',
    'What did Ann tell Bob about his question?',
    'When did Tom find help?',
    'Thank you!',
  ])('leaves what is asked itself: %s', (text) => {
    expect(requestOf(text)).toEqual({ courtesies: new Set(), core: text });
  });

  it('counts a tenth in the search, but where it is asked for as well', () => {
    const weightOf = (text: string, term: string): number | undefined =>
      analyzeQuery(text).terms.find((each) => each.term === term)?.weight;
    expect(weightOf('Please tell me who Ann is', 'tell')).toBe(0.1);
    expect(weightOf('Please tell me who Ann is', 'ann')).toBe(1);
    expect(weightOf('Please tell me what I should tell Ann', 'tell')).toBe(1);
  });
});
