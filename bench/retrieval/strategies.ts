/** Settings of a server as environment overrides. */
export type Settings = Readonly<Record<string, string>>;

/** Ranked by similarity and nothing else: how a plain search engine ranks. */
const SIMILARITY_ONLY: Settings = {
  HIRAG__WEIGHTS__SIMILARITY: '1',
  HIRAG__WEIGHTS__RECENCY: '0',
  HIRAG__WEIGHTS__LEVEL: '0',
  HIRAG__WEIGHTS__FREQUENCY: '0',
  HIRAG__RELEVANCE_THRESHOLD: '0',
  HIRAG__MIN_SIMILARITY: '0',
};

const NO_NEIGHBOURS: Settings = {
  HIRAG__FUSION__NEIGHBOUR_WEIGHTS: '[]',
  HIRAG__FUSION__DENSE_NEIGHBOUR_WEIGHT: '0',
};
const NO_SPEAKER: Settings = { HIRAG__FUSION__SPEAKER_FACTOR: '1' };
const NO_QUESTION: Settings = { HIRAG__FUSION__QUESTION_FACTOR: '1' };
const NO_DATES: Settings = { HIRAG__FUSION__DATE_BOOST: '0' };
const NO_TIME: Settings = { HIRAG__FUSION__TIME_FACTOR: '1' };
const NO_NEAR_WORDS: Settings = { HIRAG__FUSION__NEAR_WORD_WEIGHT: '0' };
const PLAIN: Settings = {
  ...SIMILARITY_ONLY,
  ...NO_NEIGHBOURS,
  ...NO_SPEAKER,
  ...NO_QUESTION,
  ...NO_DATES,
  ...NO_TIME,
  ...NO_NEAR_WORDS,
};
const NO_DENSE: Settings = {
  HIRAG__FUSION__DENSE_SHARE_LEXICAL: '0',
  HIRAG__FUSION__DENSE_SHARE_BLENDED: '0',
  HIRAG__FUSION__DENSE_SHARE_SEMANTIC: '0',
  HIRAG__FUSION__DENSE_ALONE_BLENDED: '0',
  HIRAG__FUSION__DENSE_ALONE_SEMANTIC: '0',
};

/** The server's own BM25 and analyzer, and nothing of the rest: no vector is made or compared. */
export const BM25_ALONE: Settings = { ...PLAIN, ...NO_DENSE };

/** Cosine alone. */
export const DENSE_ALONE: Settings = {
  ...PLAIN,
  HIRAG__FUSION__DENSE_SHARE_LEXICAL: '1',
  HIRAG__FUSION__DENSE_SHARE_BLENDED: '1',
  HIRAG__FUSION__DENSE_SHARE_SEMANTIC: '1',
  HIRAG__FUSION__DENSE_FLOOR_BLENDED: '0',
  HIRAG__FUSION__DENSE_MARGIN_BLENDED: '0',
  HIRAG__FUSION__DENSE_FLOOR_SEMANTIC: '0',
  HIRAG__FUSION__DENSE_FLOOR_SAMPLES: '0',
};

/** The defaults less one part each. */
export const ABLATIONS: Readonly<Record<string, Settings>> = {
  'without neighbours': NO_NEIGHBOURS,
  'without speaker factor': NO_SPEAKER,
  'without question factor': NO_QUESTION,
  'without full weight behind a question': { HIRAG__FUSION__ANSWER_WEIGHT: '0.7' },
  'without date boost': NO_DATES,
  'without time factor': NO_TIME,
  'without dense side': NO_DENSE,
  'without near words': NO_NEAR_WORDS,
  'without relative spread': { HIRAG__FUSION__RELATIVE_EXPONENT: '0' },
};
