// Writes src/base/text/time-words.generated.ts: names of months and weekdays, and what is told from now on (yesterday, last week,
// 3 days ago), as the ICU data of this runtime has them. Not part of `npm run generate`: another version has other words, and
// contexts that are stored were read with these. To ask ICU at run time would take each thread 50 ms.
// `node tools/time-words.ts`

import { writeFileSync } from 'node:fs';
import { foldText } from '../src/base/text/segment.ts';

const LANGUAGES = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'ru', 'uk', 'tr', 'sv', 'hi'];
/** Of scripts that put no spaces between words. */
const UNSPACED = ['zh', 'zh-Hant', 'ja', 'ko'];
const UNITS = { day: 'd', week: 'w', month: 'm', year: 'y' } as const;
/** By which languages tell forms of a noun apart. */
const COUNTS = [1, 2, 3, 5];
/** Of these another language has a common word: here, second; or they are both yesterday and tomorrow. */
const AMBIGUOUS: ReadonlySet<string> = new Set('hier dun segunda terca quarta quinta sexta कल परसों'.split(' '));
const IS_NAME = /^[\p{L}\p{M}]{2,}$/u;

type Groups = Map<string, string[]>;

function monthsAndShortOnes(): [Groups, Groups] {
  const known = new Set<string>();
  const of = (options: readonly Intl.DateTimeFormatOptions[]): Groups => {
    const groups: Groups = new Map();
    for (const each of options)
      for (const language of LANGUAGES) {
        const format = new Intl.DateTimeFormat(language, { ...each, timeZone: 'UTC' });
        for (let month = 1; month <= 12; month++) {
          const parts = format.formatToParts(Date.UTC(2024, month - 1, 15));
          const name = foldText(parts.find(({ type }) => type === 'month')?.value ?? '').replace(/\.$/, '');
          if (name.length > 2) add(groups, known, String(month), name);
        }
      }
    return groups;
  };
  return [of([{ month: 'long' }, { month: 'long', day: 'numeric' }]), of([{ month: 'short' }])];
}

function weekdaysAndShortOnes(): [Groups, Groups] {
  const known = new Set<string>();
  const of = (weekday: 'long' | 'short'): Groups => {
    const groups: Groups = new Map();
    for (const language of LANGUAGES) {
      const format = new Intl.DateTimeFormat(language, { weekday, timeZone: 'UTC' });
      for (let day = 0; day < 7; day++) {
        const name = foldText(format.format(Date.UTC(2024, 0, 7 + day))).replace(/\.$/, '');
        add(groups, known, String(day), name.split('-')[0] ?? '');
      }
    }
    return groups;
  };
  return [of('long'), of('short')];
}

function add(groups: Groups, known: Set<string>, key: string, name: string): void {
  if (!IS_NAME.test(name) || known.has(name) || AMBIGUOUS.has(name)) return;
  known.add(name);
  groups.set(key, [...(groups.get(key) ?? []), name]);
}

/** By unit and how many on or back, `#` for what the phrase has as a number. */
function phrases(languages: readonly string[], plain: (text: string) => string): Groups {
  const groups: Groups = new Map();
  const known = new Set<string>();
  const put = (key: string, text: string): void => {
    const phrase = plain(foldText(text)).replace(/\d+/, '#');
    if (known.has(phrase) || AMBIGUOUS.has(phrase)) return;
    known.add(phrase);
    groups.set(key, [...(groups.get(key) ?? []), phrase]);
  };
  for (const language of languages) {
    const auto = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
    const always = new Intl.RelativeTimeFormat(language, { numeric: 'always' });
    for (const [unit, letter] of Object.entries(UNITS) as [keyof typeof UNITS, string][]) {
      for (const step of [-2, -1, 0, 1, 2]) {
        const text = auto.format(step, unit);
        if (!/\d/.test(text)) put(`${letter}${step}`, text);
      }
      for (const count of COUNTS)
        for (const sign of [-1, 1]) put(`${letter}${sign < 0 ? '-' : ''}#`, always.format(sign * count, unit));
    }
  }
  return groups;
}

function lines(groups: Groups, separator: string): string {
  return [...groups].map(([key, names]) => `${key}: ${names.join(separator)}`).join('\n');
}

const [months, shortMonths] = monthsAndShortOnes();
const [weekdays, shortWeekdays] = weekdaysAndShortOnes();
const spaced = phrases(LANGUAGES, (text) => (text.match(/\d+|[\p{L}\p{M}]+/gu) ?? []).join(' '));
const unspaced = phrases(UNSPACED, (text) => text.replaceAll(' ', ''));
const lists = {
  MONTHS: lines(months, ' '),
  SHORT_MONTHS: lines(shortMonths, ' '),
  WEEKDAYS: lines(weekdays, ' '),
  SHORT_WEEKDAYS: lines(shortWeekdays, ' '),
  TOLD_TIMES: lines(spaced, ' | '),
  TOLD_TIMES_UNSPACED: lines(unspaced, ' | '),
};
const source = Object.entries(lists).map(([name, list]) => `export const ${name} = \`${list}\`;\n`);
writeFileSync(
  new URL('../src/base/text/time-words.generated.ts', import.meta.url),
  `// Made by tools/time-words.ts of ICU's data: not to be changed by hand. Folded; each list's lines have what they mean before the colon.\n\n${source.join('\n')}`,
);
