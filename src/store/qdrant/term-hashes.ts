import type { Question } from '../driver.ts';
import { formsOf } from '../term-forms.ts';

/** FNV-1a: the place of a term in the sparse vectors. Two terms of one text share one with a likelihood of some 2^-25. */
export function termHash(term: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < term.length; i++) {
    const unit = term.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return hash >>> 0;
}

const hashesByQuestion = new WeakMap<Question, number[][]>();

/** Of the forms of each term. */
export function hashesOf(question: Question): number[][] {
  const hashes = hashesByQuestion.get(question) ?? question.terms.map((term) => formsOf(term).map(termHash));
  hashesByQuestion.set(question, hashes);
  return hashes;
}
