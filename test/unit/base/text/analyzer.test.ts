import { describe, expect, it } from 'vitest';
import { analyze, analyzeQuery, namesSpeaker } from '../../../../src/base/text/analyzer.ts';
import { formsOf } from '../../../../src/store/term-forms.ts';
import { textTraits } from '../../../../src/base/text/traits.ts';

/** The text that shares most terms with the query. */
function best(query: string, texts: readonly string[]): string | undefined {
  const wanted = analyzeQuery(query).terms.map((term) => formsOf(term));
  const scored = texts.map((text) => {
    const terms = new Set(analyze(text));
    return { text, score: wanted.filter((forms) => forms.some((form) => terms.has(form))).length };
  });
  return scored.sort((a, b) => b.score - a.score).find(({ score }) => score > 0)?.text;
}

describe('analyze', () => {
  it('drops function words and stems the rest', () => {
    expect(analyze('She was walking to the libraries')).toEqual(['walk', 'librari']);
  });

  it('keeps function words where there is nothing else', () => {
    expect(analyze('Who are you?')).toEqual(['who', 'are', 'you']);
  });

  it('brings irregular forms to their base', () => {
    expect(analyze('swam swum swim')).toEqual(['swim', 'swim', 'swim']);
    expect(analyze('children')).toEqual(analyze('child'));
    expect(analyze('bought')).toEqual(analyze('buying'));
  });

  it.each([
    ['German', 'Die Katzen schliefen auf dem Sofa', 'Katze', 'katz~de'],
    ['German without umlauts', 'Wir waren gestern bei Müllers in Köln', 'Koeln', 'koln~de'],
    ['German in capitals', 'Die Straße ist gesperrt', 'STRASSEN', 'strass~de'],
    ['French', 'J’aime beaucoup les vieux châteaux', 'chateau', 'chateau~fr'],
    ['Spanish', 'Me gustan los gatos negros de mi vecina', 'gato', 'gat~es'],
    ['Italian', 'Mi piacciono i gatti della vicina', 'gatto', 'gatt~it'],
    ['Dutch', 'Ik woon met mijn katten in Utrecht', 'kat', 'kat~nl'],
    ['Swedish', 'Jag bor i Stockholm med mina katter', 'katt', 'katt~sv'],
    ['Turkish', 'Bu şehirde çok güzel evler var', 'ev', 'ev~tr'],
    ['Russian', 'Собаки бегают', 'собака', 'собак~ru'],
    ['Russian with a letter that is written in two ways', 'Ёлки стоят в лесу', 'елка', 'елк~ru'],
    ['Ukrainian', 'Мої коти дуже гарні', 'кот', 'кот~uk'],
    ['Greek without its accents', 'Μου αρέσει το σπίτι', 'σπιτια', 'σπιτ~el'],
    ['Arabic with its marks', 'أُحِبُّ الكِتابَ', 'كتاب', 'كتاب~ar'],
    ['Hindi', 'मुझे किताबें पसंद हैं', 'किताब', 'किताब~hi'],
  ])('stems words of %s, and a question finds them', (_language, text, question, term) => {
    expect(analyze(text)).toContain(term);
    expect(analyzeQuery(question).terms.some((asked) => formsOf(asked).includes(term))).toBe(true);
  });

  it('takes for English what nothing tells apart from it', () => {
    for (const text of ['I live in Los Angeles', 'ERROR in example.com: die 42', 'const name = await foo(bar)'])
      expect(analyze(text).filter((term) => term.includes('~'))).toEqual([]);
    // A language without a stemmer.
    expect(analyze('Kocham koty i psy, ale nie mam psa')).toContain('koti');
  });

  it('finds the same word whatever language its text was taken for', () => {
    const { terms } = analyzeQuery('Where did Maria meet Johannes?');
    for (const text of [
      'María vive en Madrid con Johannes',
      'Maria traf Johannes in der Stadt',
      'Maria et Johannes sont là',
    ]) {
      const held = new Set(analyze(text));
      const found = terms.filter((term) => formsOf(term).some((form) => held.has(form))).map(({ term }) => term);
      expect(found).toEqual(['maria', 'johann']);
    }
  });

  it('asks a long text in its own language alone', () => {
    const long = Array.from({ length: 60 }, (_, i) => `wort${String.fromCharCode(97 + (i % 26))}${'x'.repeat(i % 7)}`);
    const { terms } = analyzeQuery(`Die Katzen sind nicht bei uns und ${long.join(' ')}`);
    expect(terms.find(({ term }) => term === 'katzen')?.written).toEqual(['katz~de']);
  });

  it('gives the same terms whatever was analysed before', () => {
    const first = analyze('Walking libraries');
    for (let i = 0; i < 60_000; i++) analyze(`word${i}`);
    expect(analyze('Walking libraries')).toEqual(first);
  });

  it.each([
    [
      'German',
      'Wo steht das grüne Fahrrad?',
      'Das Fahrrad lehnt am Schuppen.',
      ['Die Katze schläft.', 'Morgen regnet es.'],
    ],
    ['Russian', 'где лежит ключ', 'ключ лежит под ковриком', ['завтра будет дождь', 'кошка спит']],
    ['Hindi', 'चाबी कहाँ है', 'चाबी दराज़ में रखी गई', ['कल बारिश होगी', 'बिल्ली सो रही']],
    ['Chinese', '钥匙放在哪里', '备用钥匙在抽屉里', ['明天会下雨', '小猫睡着了']],
    ['Japanese', '鍵はどこですか', '予備の鍵はどこかの引き出しです', ['明日雨が降る', '猫が寝ている']],
  ])('finds the matching text in %s', (_language, query, wanted, others) => {
    expect(best(query, [...others, wanted])).toBe(wanted);
  });
});

describe('words of one character', () => {
  it.each([
    ['Chinese', '猫', '我家的猫很可爱', ['明天会下雨', '他喜欢狗']],
    ['Chinese in a question', '你的猫呢', '那只猫很可爱', ['明天会下雨', '他喜欢狗']],
    ['Japanese', '猫', '昨日、黒猫を見た', ['明日は雨が降る', '犬が好きです']],
    ['Japanese with a particle', '猫は？', 'うちに猫がいる', ['明日は雨が降る', '犬が好きです']],
    ['Korean', '개', '우리 개가 짖는다', ['내일 비가 온다', '고양이가 잔다']],
    ['Japanese beside Latin letters', 'photo of 猫', '昨日、黒猫を見た', ['犬が好きです']],
    ['Japanese behind a number', '会議', '5月3日に会議がある', ['明日は雨が降る']],
  ])('of %s are found inside longer runs', (_language, query, wanted, others) => {
    expect(best(query, [...others, wanted])).toBe(wanted);
  });

  it('count less than the pairs around them, so that a shared character is no shared word', () => {
    const { terms } = analyzeQuery('我喜欢猫');
    const weightOf = (term: string): number => terms.find((each) => each.term === term)?.weight ?? 0;
    expect(weightOf('喜欢')).toBe(1);
    expect(weightOf('猫')).toBeGreaterThan(0);
    expect(weightOf('猫')).toBeLessThan(0.5);
  });

  it('are no names of a speaker who only shares a character', () => {
    expect(namesSpeaker(analyzeQuery('小明在哪里'), textTraits('小红：我在家。').speaker)).toBe(false);
    expect(namesSpeaker(analyzeQuery('小明'), textTraits('小明：我在家。').speaker)).toBe(true);
  });
});

describe('analyzeQuery', () => {
  it('gives each term once, in order', () => {
    expect(analyzeQuery('red boots, red hats, a boot').terms).toEqual([
      { term: 'red', written: ['red'], weight: 1 },
      { term: 'boot', written: ['boots', 'boot'], weight: 1 },
      { term: 'hat', written: ['hats'], weight: 1 },
    ]);
  });

  it('names speakers, also those called like a function word', () => {
    const speaks = (query: string, text: string): boolean =>
      namesSpeaker(analyzeQuery(query), textTraits(text).speaker);
    expect(speaks('Where did Ann go?', 'Ann Lee: To Oslo.')).toBe(true);
    expect(speaks('where did ann go', 'Ann: To Oslo.')).toBe(true);
    expect(speaks('What did Will buy?', 'Will: A kite.')).toBe(true);
    expect(speaks('Will it rain?', 'Will: A kite.')).toBe(false);
    expect(speaks('What did the user want?', 'user: A kite.')).toBe(true);
    expect(speaks('Where did Ann go?', 'To Oslo.')).toBe(false);
  });

  it('finds dates', () => {
    expect(analyzeQuery('What did we decide on 3 June 2024?').dates).toEqual([{ year: 2024, month: 6, day: 3 }]);
  });

  it('keeps every word of a query that is a document', () => {
    const query = Array.from({ length: 2_000 }, (_, i) => `word${i}`).join(' ');
    expect(analyzeQuery(query).terms).toHaveLength(2_000);
  });

  it('takes an empty query', () => {
    expect(analyzeQuery('')).toEqual({ terms: [], names: new Set(), dates: [], asksWhen: false, core: '' });
  });
});
