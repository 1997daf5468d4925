import { describe, expect, it } from 'vitest';
import { analyzeQuery } from '../../../../src/base/text/analyzer.ts';

describe('asksWhen', () => {
  it.each([
    'When did Mara move?',
    'Could you please tell me when Mara moved?',
    'In what year was it?',
    'How long ago did they meet?',
    'Which month is the wedding in?',
    'Wann ist Mara umgezogen?',
    'In welchem Jahr war das?',
    'Когда она переехала?',
    'В каком году это было?',
    'Quand est-elle partie ?',
    '¿Cuándo se mudó?',
    'Quando si è trasferita?',
    'Kiedy to było?',
    '她什么时候搬家的？',
    '彼女はいつ引っ越しましたか',
    '언제 이사했어요?',
  ])('%s', (text) => {
    expect(analyzeQuery(text).asksWhen).toBe(true);
  });

  it.each([
    'What did Mara do when she moved?',
    'Where does Mara live?',
    'Was sagt sie, wenn es regnet?',
    'Что она делает, когда идёт дождь?',
    'whenever',
    '',
  ])('not: %s', (text) => {
    expect(analyzeQuery(text).asksWhen).toBe(false);
  });
});
