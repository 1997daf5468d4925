import { inTurns, LoopTurns } from '../../../src/base/loop-turns.ts';
import { readJsonInTurns } from '../../../src/base/json-in-turns.ts';
import { analyze, analyzeQuery, countTermsInSlices } from '../../../src/base/text/analyzer.ts';
import { requestOf } from '../../../src/base/text/courtesy.ts';
import { findDates } from '../../../src/base/text/dates.ts';
import { textKey } from '../../../src/base/text/normal.ts';
import { foldText, segmentForIndex } from '../../../src/base/text/segment.ts';
import { estimatedTokens, passagesOf } from '../../../src/base/text/passages.ts';
import { textTraits } from '../../../src/base/text/traits.ts';
import { possibleNames } from '../../../src/hirag/facts/name-words.ts';
import { analyzeQuestion } from '../../../src/hirag/query/question.ts';
import { printInTurns } from '../../../src/hirag/rank/duplicates.ts';
import { extractiveSummary, readableOf } from '../../../src/hirag/window/extractive-card.ts';
import { createTokenEstimator } from '../../../src/hirag/write/tokens.ts';
import { decodeBody, encodeBody } from '../../../src/protocol/codec.ts';
import { deriveFromText } from '../../../src/store/embedded/database/derived-text.ts';
import { DEFAULTS } from '../../support/settings.ts';
import { filterByPieces } from './filter-work.ts';

export interface SlowFunction {
  readonly name: string;
  readonly work: (text: string) => unknown;
  /** It runs in the thread that serves: its longest turn counts. */
  readonly isServing: boolean;
}

const turns = new LoopTurns();
const { tokens } = DEFAULTS.hirag;
const estimator = (name: 'CharacterBased' | 'WordBased' | 'Exact') =>
  createTokenEstimator({ ...tokens, estimator: name }, turns);
const estimators = {
  characters: estimator('CharacterBased'),
  words: estimator('WordBased'),
  exact: estimator('Exact'),
};
const BOUNDS = { valuesMax: 262_144, depthMax: 64 };

/** As a session's card is made of its longest messages. */
function card(text: string): Promise<string> {
  const messages = 4;
  const originals = Array.from({ length: messages }, () => ({
    speaker: 'user',
    text: readableOf(text, messages),
    atMs: 0,
  }));
  return extractiveSummary(originals, 100, {
    weights: (terms) => Promise.resolve(terms.map(() => 1)),
    count: (texts) => estimators.characters.count(texts),
    turns,
  });
}

/** What reads texts of clients. */
export const SLOW_FUNCTIONS: readonly SlowFunction[] = [
  { name: 'decoding', isServing: true, work: (text) => decodeBody(encodeBody({ text })) },
  { name: 'JSON', isServing: true, work: (text) => readJsonInTurns(JSON.stringify({ text }), BOUNDS, turns) },
  { name: 'question', isServing: true, work: (text) => analyzeQuestion(text, turns, undefined) },
  { name: 'duplicates', isServing: true, work: (text) => printInTurns(text, turns) },
  { name: 'courtesy', isServing: true, work: requestOf },
  { name: 'names in questions', isServing: true, work: possibleNames },
  { name: 'cards', isServing: true, work: card },
  { name: 'filters', isServing: true, work: (text) => filterByPieces(text, 64) },
  { name: 'tokens, characters', isServing: true, work: (text) => estimators.characters.count([text]) },
  { name: 'tokens, words', isServing: true, work: (text) => estimators.words.count([text]) },
  { name: 'tokens, exact', isServing: true, work: (text) => estimators.exact.count([text]) },
  { name: 'tokens, estimated', isServing: true, work: estimatedTokens },
  { name: 'terms in slices', isServing: true, work: (text) => inTurns(countTermsInSlices(text), turns) },
  { name: 'copies', isServing: false, work: textKey },
  { name: 'folding', isServing: false, work: foldText },
  { name: 'segmenting', isServing: false, work: segmentForIndex },
  { name: 'analysis', isServing: false, work: analyze },
  { name: 'analysis of queries', isServing: false, work: analyzeQuery },
  { name: 'traits', isServing: false, work: textTraits },
  { name: 'dates', isServing: false, work: findDates },
  { name: 'passages', isServing: false, work: (text) => [...passagesOf(text, 500)] },
  { name: 'index entries', isServing: false, work: (text) => deriveFromText(text, '{}') },
];
