// Hunts for texts that cost more than their length: what one client may send must not keep a thread busy for all others.
// Each part that reads texts gets runs, alternations and mixtures of what patterns, normalisation and encodings stumble
// over. Costs are compared with those of a quarter of the text, so that a slow machine is no slow text.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LoopTurns } from '../../src/base/loop-turns.ts';
import { analyze, analyzeQuery } from '../../src/base/text/analyzer.ts';
import { findDates } from '../../src/base/text/dates.ts';
import { textKey } from '../../src/base/text/normal.ts';
import { foldText, segmentForIndex } from '../../src/base/text/segment.ts';
import { slicesOf } from '../../src/base/text/slices.ts';
import { textTraits } from '../../src/base/text/traits.ts';
import { createLocalProvider, LocalEmbedder } from '../../src/embedding/local.ts';
import { DuplicateFilter, printOf } from '../../src/hirag/rank/duplicates.ts';
import { createTokenEstimator } from '../../src/hirag/write/tokens.ts';
import { decodeBody, encodeBody } from '../../src/protocol/codec.ts';
import { deriveFromText } from '../../src/store/embedded/database/derived-text.ts';
import { DEFAULTS } from '../support/settings.ts';
import { filterByPieces } from './support/filter-work.ts';

type Work = (text: string) => unknown;

/** A quarter of the length that a text may have. */
const CHARS = 65_536;
/** Work of the square of that length takes seconds on any machine; what is done before this needs no second look. */
const PROMPT_MS = 50;
/** A quarter of the text: four times faster, where costs are linear; sixteen times, where they are quadratic. */
const RATIO_MAX = 9;
/** Compilers and collectors take their time from a measurement; not from all of them. */
const ATTEMPTS = 6;

/** Of the processor, not of the clock: others may be at work on this machine. */
async function leastCpuMs(work: Work, text: string, runs: number): Promise<number> {
  let least = Infinity;
  for (let run = 0; run < runs; run++) {
    const before = process.cpuUsage();
    await work(text);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

/** How much longer `text` takes than its quarter; 0 where it takes no time worth speaking of. */
async function costRatio(work: Work, make: (chars: number) => string, chars: number): Promise<number> {
  const [whole, quarter] = [make(chars), make(chars / 4)];
  let ratio = Infinity;
  for (let attempt = 0; attempt < ATTEMPTS && ratio > RATIO_MAX; attempt++) {
    const wholeMs = await leastCpuMs(work, whole, 1);
    if (wholeMs < PROMPT_MS) return 0;
    ratio = Math.min(ratio, wholeMs / (await leastCpuMs(work, quarter, 3)));
  }
  return ratio;
}

const DETERMINISTIC = ((): (() => number) => {
  let state = 1;
  return () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32;
})();

/** Texts of which hardly a word stands twice. */
function unrepeated(from: number, letters: number, wordChars: number) {
  return (chars: number): string => {
    let text = '';
    while (text.length < chars) {
      for (let i = 0; i < wordChars; i++) text += String.fromCharCode(from + Math.floor(DETERMINISTIC() * letters));
      if (wordChars > 1) text += ' ';
    }
    return text.slice(0, chars);
  };
}

const repeated =
  (unit: string) =>
  (chars: number): string =>
    unit.repeat(Math.ceil(chars / unit.length)).slice(0, chars);

const between =
  (start: string, run: string, end: string) =>
  (chars: number): string =>
    start + repeated(run)(chars - start.length - end.length) + end;

const twoRuns =
  (start: string, first: string, second: string) =>
  (chars: number): string =>
    start + repeated(first)(chars / 2) + repeated(second)(chars / 2 - start.length);

/** What patterns are made of, and what normalisation and encodings treat in their own ways. */
const ATOMS = [
  ...[
    'a',
    'A',
    'aB',
    'é',
    'ß',
    'Σ',
    'İ',
    'я',
    'א\u05b0',
    'ل\u0651',
    'हि',
    '漢',
    'か',
    '가',
    '\u1100\u1161',
    'แ',
    'ﬃ',
    '²',
  ],
  ...[
    '0',
    '1.',
    '1,000',
    '1-',
    '2024',
    '年',
    'may ',
    'st ',
    ' ',
    '\t',
    '\n',
    '\r\n',
    '\u00a0',
    '\u3000',
    '.',
    '…',
    '!',
    '?',
  ],
  ...[
    '。',
    '-',
    '_',
    "'",
    '’',
    '"',
    '(',
    '[',
    ']',
    '{',
    ':',
    '：',
    '/',
    '\\',
    '#',
    '|',
    '~',
    '\0',
    '\u00ad',
    '\u200b',
    '\u200d',
  ],
  ...[
    '\ufeff',
    '\u0301',
    '\u0323',
    '\u0345',
    '\u3099',
    '\uff9e',
    '\ufe0f',
    '\ufdfa',
    '😀',
    '👩\u200d',
    '🇩',
    '\ud800',
    '\udc00',
  ],
];

const FIXED: readonly (readonly [string, (chars: number) => string])[] = [
  ['ellipses before an end', between('pause ', '…', ' end')],
  ['stops before an end', between('pause ', '. ', ' end')],
  ['blanks before an end', between('pause', ' ', ' end')],
  ['marks of two classes', twoRuns('a', '\u0301', '\u0323')],
  ['marks, half of them from half-width letters', twoRuns('a', '\u0301', '\uff9e')],
  ['marks beyond the basic plane', twoRuns('a', '\u{1d165}', '\u{1d16d}')],
  ['different words', unrepeated(0x61, 26, 7)],
  ['different Cyrillic words', unrepeated(0x430, 32, 6)],
  ['different ideographs', unrepeated(0x4e00, 20_000, 1)],
  ['any units', unrepeated(0x20, 0xffe0, 1)],
  ['names', between('We met ', 'Ann Eve ', '')],
  ['questions with attachments', between('', '?[', '')],
  ['an identifier and capitals', between('aB ', 'A', '')],
  ['letters in a text with an ideograph', between('漢 ', 'a', '')],
  ['numbers in a text with an ideograph', between('漢 ', '1,', '')],
  ['code', repeated('if (!a[i]) { b += c.d("x", 1.5); } // e\n')],
  ['JSON', repeated('{"a":[1,true,null,"b"]},')],
];

const { tokens } = DEFAULTS.hirag;
const estimators = {
  characters: createTokenEstimator({ ...tokens, estimator: 'CharacterBased' }, new LoopTurns()),
  words: createTokenEstimator({ ...tokens, estimator: 'WordBased' }, new LoopTurns()),
  exact: createTokenEstimator({ ...tokens, estimator: 'Exact' }, new LoopTurns()),
};
const provider = createLocalProvider({ dimension: 64, table: null });

const PARTS: readonly (readonly [name: string, work: Work, chars: number])[] = [
  ['folding', foldText, CHARS],
  ['segmenting', segmentForIndex, CHARS],
  ['analysis', analyze, CHARS],
  ['analysis of a query', analyzeQuery, CHARS],
  ['what the store derives', (text) => deriveFromText(text, '{}'), CHARS],
  ['traits', textTraits, CHARS],
  ['traits of a turn', (text) => textTraits(`Ann: ${text}`), CHARS],
  ['traits of its end', (text) => textTraits(`${text}?${text.slice(0, 300)}`), CHARS],
  ['dates', findDates, CHARS],
  ['slices', (text) => [...slicesOf(text)], CHARS],
  ['filters', (text) => filterByPieces(text, 16), CHARS],
  ['duplicates', printOf, CHARS],
  ['keys of copies', textKey, CHARS],
  ['embedding', (text) => provider.embed([text], 'passage'), CHARS],
  ['tokens by characters', (text) => estimators.characters.count([text]), CHARS],
  ['tokens by words', (text) => estimators.words.count([text]), CHARS],
  ['exact tokens', (text) => estimators.exact.count([text]), CHARS / 4],
  ['decoding', (text) => decodeBody(encodeBody({ text: `\ufeff${text}`, [text.slice(0, 1000)]: [text] })), CHARS],
];

describe.each(PARTS)('%s', (_part, work, chars) => {
  it('takes runs of whatever it may be in linear time', { timeout: 300_000 }, async () => {
    const slow: string[] = [];
    for (const atom of ATOMS) {
      const ratio = await costRatio(work, repeated(atom), chars);
      if (ratio > RATIO_MAX) slow.push(`${JSON.stringify(atom)}: ${ratio.toFixed(1)}`);
    }
    for (const [name, make] of FIXED) {
      const ratio = await costRatio(work, make, chars);
      if (ratio > RATIO_MAX) slow.push(`${name}: ${ratio.toFixed(1)}`);
    }
    expect(slow).toEqual([]);
  });

  it('takes mixtures of them in linear time', { timeout: 300_000 }, async () => {
    const run = fc.array(fc.constantFrom(...ATOMS), { minLength: 1, maxLength: 3 }).map((atoms) => atoms.join(''));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('one run', 'a run between', 'two runs'),
        run,
        run,
        run,
        async (shape, a, b, c) => {
          const make = shape === 'one run' ? repeated(a) : shape === 'two runs' ? twoRuns(a, b, c) : between(a, b, c);
          expect(await costRatio(work, make, chars)).toBeLessThanOrEqual(RATIO_MAX);
        },
      ),
      // `FUZZ_RUNS=500` tries longer.
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 12) },
    );
  });
});

describe('the embedder', () => {
  it('stops every few thousand characters, and every few thousand words', () => {
    const embedder = new LocalEmbedder(64, null);
    for (const make of [repeated('a '), repeated('漢'), repeated('='), unrepeated(0x4e00, 20_000, 1)]) {
      const text = make(262_144);
      expect([...embedder.embedding([new Float32Array(64)], [text])].length).toBeGreaterThan(60);
    }
    const texts = Array.from({ length: 1_000 }, (_, i) => `turn ${i} of a hundred characters `.padEnd(100, '.'));
    const vectors = texts.map(() => new Float32Array(64));
    expect([...embedder.embedding(vectors, texts)].length).toBeGreaterThan(20);
  });
});

describe('the exact count of tokens', () => {
  it('lets others have a turn every few thousand characters', async () => {
    let taken = 0;
    class CountedTurns extends LoopTurns {
      override next(): Promise<void> {
        taken++;
        return super.next();
      }
    }
    const exact = createTokenEstimator({ ...tokens, estimator: 'Exact' }, new CountedTurns());
    await exact.count(['a'.repeat(CHARS)]);
    expect(taken).toBeGreaterThan(12);
  });
});

describe('duplicates', () => {
  it('are found among many texts that differ in fillers only, each compared with few', () => {
    const filter = new DuplicateFilter<number>(0.999);
    const prints = Array.from({ length: 4_000 }, (_, i) =>
      printOf(`the cat ${'the '.repeat(i % 97)}${'so '.repeat(i % 89)}`),
    );
    let compared = 0;
    const [first] = prints;
    // What a comparison reads of a print, counted.
    for (const print of prints) {
      const counting = {
        ...print,
        get fillers() {
          compared++;
          return print.fillers;
        },
      };
      if (filter.find(counting) === undefined) filter.add(print, 0);
    }
    expect(first?.core).toBe('cat');
    expect(compared).toBeLessThan(prints.length * 16 * 30);
  });
});

describe('a body', () => {
  const decodeMs = (body: Buffer): Promise<number> => leastCpuMs(() => decodeBody(body), '', 2);

  it.each([
    [
      'a byte order mark and nearly all of the private use area at the end',
      (bytes: number) => {
        const used = Array.from({ length: 0xff0 }, (_, i) => String.fromCharCode(0xe000 + i)).join('');
        return encodeBody({
          a: `\ufeff${'x'.repeat(20)}`,
          b: Array.from({ length: bytes >> 16 }, () => 'y'.repeat(1 << 16)),
          c: used,
        });
      },
    ],
    [
      'long names that differ in their ends',
      (bytes: number) => {
        const name = 'k'.repeat(bytes / 24);
        return encodeBody(
          Object.fromEntries(Array.from({ length: 24 }, (_, i) => [name + String(i).padStart(2, '0'), 0])),
        );
      },
    ],
  ])('with %s is decoded in linear time', async (_, make) => {
    const [whole, quarter] = [make(8_000_000), make(2_000_000)];
    let ratio = Infinity;
    for (let attempt = 0; attempt < ATTEMPTS && ratio > RATIO_MAX; attempt++) {
      const wholeMs = await decodeMs(whole);
      if (wholeMs < PROMPT_MS) return;
      ratio = Math.min(ratio, wholeMs / (await decodeMs(quarter)));
    }
    expect(ratio).toBeLessThanOrEqual(RATIO_MAX);
  });
});
