// Whether a question asks for a time.

import { foldText } from './segment.ts';

const CHARS_MAX = 2_000;
/** Words that only ask, wherever they stand, and those that do where an auxiliary follows. */
const ASKING =
  /(?<![\p{L}\p{N}])(?:when(?: was| were| did| does| do| is| are| has| have| had| will| would| should| can| could|'s)|(?:what|which)(?: is the| was the)? (?:day|date|week|month|year|season|weekday|time)|how (?:long|recently|often)|how many (?:days|weeks|months|years)|wann|wie lange|(?:welche[mnrs]?) (?:tag|datum|woche|monat|jahr|jahres)|depuis quand|jusqu'a quand|quel(?:le)? (?:jour|date|semaine|mois|annee|heure)|(?:que|cual) (?:dia|fecha|mes|ano)|che (?:giorno|data|mese|anno)|quanto tempo|que (?:data|mes)|wanneer|hoe lang|kiedy|ne zaman|hangi (?:gun|ay|yil)|коли|как давно|(?:каком|какого|какои) (?:году|месяце|числа|день)|कब)(?![\p{L}\p{N}])/u;
/** What joins sentences as well, so that it asks at the start alone. */
const ASKING_FIRST = /^[^\p{L}]*(?:(?:and|und|et|y|e|и) )?(?:when|quand|cuando|quando|когда|nar)(?![\p{L}\p{N}])/u;
const ASKING_UNSPACED =
  /什么时候|什麼時候|何时|何時|几时|几月|几号|哪年|哪一年|哪天|多久|いつ|何年|何月|何日|언제|몇 ?월|몇 ?년|며칠/u;

/** `core`: of a question without what is wrapped around it (`requestOf`). */
export function asksWhen(core: string): boolean {
  const folded = foldText(core.slice(0, CHARS_MAX));
  return ASKING.test(folded) || ASKING_FIRST.test(folded) || ASKING_UNSPACED.test(folded);
}
