import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../support/settings.ts';
import { createLocalProvider } from '../../../src/embedding/local.ts';

const provider = createLocalProvider({ dimension: DEFAULTS.vectorDb.vectorSize, table: null });

async function embedOne(text: string): Promise<Float32Array> {
  const [vector] = await provider.embed([text], 'passage');
  if (vector === undefined) throw new Error('no vector');
  return vector;
}

async function cosine(a: string, b: string): Promise<number> {
  const [left, right] = [await embedOne(a), await embedOne(b)];
  return left.reduce((sum, value, i) => sum + value * (right[i] ?? 0), 0);
}

describe('createLocalProvider', () => {
  it('says what it is', () => {
    expect(provider).toMatchObject({ id: 'local-hash-v1-1024', dimension: 1024, kind: 'lexical' });
    expect(createLocalProvider({ dimension: 256, table: null })).toMatchObject({
      id: 'local-hash-v1-256',
      dimension: 256,
    });
  });

  it.each(['a plain sentence', 'the of and', '', '   ', '!!!', '😀', '猫', 'a'.repeat(10_000), '\ud800'])(
    'gives a unit vector for %j',
    async (text) => {
      const vector = await embedOne(text.slice(0, 10_000));
      expect(vector).toHaveLength(1024);
      expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    },
  );

  it('gives one vector per text, in order, and the same ones each time', async () => {
    const texts = Array.from({ length: 200 }, (_, i) => `text number ${i}`);
    const [first, again] = [
      await provider.embed(texts, 'passage'),
      await createLocalProvider({ dimension: DEFAULTS.vectorDb.vectorSize, table: null }).embed(texts, 'query'),
    ];
    expect(again).toEqual(first);
    expect(first[150]).toEqual(await embedOne('text number 150'));
  });

  it('is 1 for the same words and near 0 for others', async () => {
    expect(await cosine('The red kite flew away', 'the RED kite, flew away!')).toBeCloseTo(1, 5);
    expect(await cosine('The red kite flew away', 'Budget meeting moved to Tuesday')).toBeLessThan(0.15);
  });

  it('stops when it is told to', async () => {
    await expect(provider.embed(['a'], 'query', AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
  });

  it.each([
    [
      'misspelt English',
      'resturant recomendation',
      'a restaurant she recommended',
      'the quarterly budget was approved',
    ],
    ['German compounds', 'Fahrradschloss', 'Das Schloss am Fahrrad klemmt', 'Morgen regnet es in Hamburg'],
    ['Russian cases', 'ключи от квартиры', 'ключ от квартир лежит под ковриком', 'завтра обещают сильный дождь'],
    ['Hindi', 'किताबों की दुकान', 'किताब की नई दुकान खुली', 'कल मौसम साफ़ रहेगा'],
    ['Chinese', '红色自行车', '她买了一辆红色的自行车', '会议改到星期二'],
    ['Japanese', '赤い自転車', '彼女は赤い自転車を買った', '会議は火曜日に変わりました'],
  ])('brings %s near', async (_language, query, near, far) => {
    expect(await cosine(query, near)).toBeGreaterThan((await cosine(query, far)) + 0.1);
  });
});
