import { isAscii } from './ascii.ts';
import { boundMarks } from './marks.ts';

const IGNORABLE = /\p{Default_Ignorable_Code_Point}+/gu;
const SPACE = /[\s\p{White_Space}]+/gu;

/**
 * The form in which names are compared: compatibility forms, case and what is not seen make no difference (NFKC with full
 * case folding, as Unicode's `NFKC_Casefold`), nor does how much white space there is. Accents do.
 */
export function foldName(name: string): string {
  if (isAscii(name)) return name.replace(SPACE, ' ').trim().toLowerCase();
  // Upper case first: only then are `ß` and `SS`, or the two small sigmas, one.
  const cased = boundMarks(name).normalize('NFKC').toUpperCase().toLowerCase().replaceAll('ς', 'σ');
  return boundMarks(cased).normalize('NFKC').replace(IGNORABLE, '').replace(SPACE, ' ').trim();
}
