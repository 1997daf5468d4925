import { STRATEGIES, type Priority } from '../base/context.ts';
import {
  bareNumber,
  bareText,
  choice,
  flag,
  integer,
  list,
  number,
  record,
  section,
  withAlias,
  type Setting,
} from './setting.ts';

const WEIGHTS = section('Parts of the final rank; only their proportions count.', {
  similarity: number(0.7, 0, 1, 'How well the text fits, by its words and its vector.'),
  recency: number(0.15, 0, 1, 'How new it is.'),
  level: number(0.15, 0, 1, 'Which level it is in.'),
  frequency: number(0, 0, 1, 'How often it was returned before. What was returned then returns, whatever it says.'),
});

const LEVEL_WEIGHTS = record('How much a level counts by itself.', {
  immediate: number(1, 0, 1, 'L1.'),
  short_term: number(0.7, 0, 1, 'L2.'),
  long_term: number(0.5, 0, 1, 'L3.'),
});

const FUSION = section(
  'How words, vectors and what stands around a context become one similarity; docs/retrieval.md has the measurements.',
  {
    dense_share_lexical: number(
      0.15,
      0,
      1,
      'Share of vectors that compare spellings (provider local-hash) beside BM25.',
    ),
    dense_share_blended: number(
      0.25,
      0,
      1,
      'Share of vectors that compare spellings and meanings of words (provider local) beside BM25.',
    ),
    dense_share_semantic: number(0.35, 0, 1, 'Share of vectors that compare meanings beside BM25.'),
    dense_floor_lexical: number(
      0.08,
      0,
      0.99,
      'Cosine of unrelated texts, for vectors that compare spellings; up to it the vector counts nothing.',
    ),
    dense_floor_blended: number(
      0.2,
      0,
      0.99,
      'The same for vectors that compare spellings and meanings of words, where it cannot be measured.',
    ),
    dense_margin_blended: number(
      0.05,
      0,
      0.99,
      'Added to it where it is measured: it is a median, and many unrelated texts are somewhat nearer.',
    ),
    dense_floor_semantic: number(
      0.2,
      0,
      0.99,
      'The same for vectors that compare meanings, where it cannot be measured.',
    ),
    dense_alone_blended: number(
      3,
      0,
      100,
      'What vectors that compare spellings and meanings of words count by themselves, times the share of the query that words found nowhere: an answer in other words than its question has nothing else.',
    ),
    dense_alone_semantic: number(0, 0, 100, 'The same for vectors that compare meanings.'),
    dense_sure_blended: number(
      0.2,
      0,
      0.99,
      'How far above its floor the cosine must be for that, as a share of what is above it: one of a hundred unrelated texts is nearer.',
    ),
    dense_sure_semantic: number(0.2, 0, 0.99, 'The same for vectors that compare meanings.'),
    dense_floor_samples: integer(
      64,
      0,
      1000,
      'Vectors of a level that this floor is measured on; 0 takes the setting as it stands.',
    ),
    near_word_weight: number(
      0.7,
      0,
      1,
      'What an English word counts, times its cosine, that means about the same as one of the query; 0: words are looked for as they are.',
    ),
    neighbour_weights: list(
      [0.7, 0.5, 0.35],
      bareNumber('number', 0, 1, 'One weight.'),
      0,
      10,
      'What a query term in a context 1, 2, ... places away in the session counts for this one.',
    ),
    answer_weight: number(1, 0, 1, 'The first of these for what stands behind a question.'),
    neighbour_tokens: integer(
      64,
      1,
      1_000_000,
      'Tokens up to which a context is lent all of this; a longer one in proportion less.',
    ),
    dense_neighbour_weight: number(0.7, 0, 1, 'What the cosine of the context before or after counts.'),
    speaker_factor: number(1.5, 0.01, 100, 'Factor where the query names who speaks.'),
    question_factor: number(0.85, 0.01, 100, 'Factor where the text itself asks.'),
    date_boost: number(
      1,
      0,
      100,
      'Added to the factor 1 where the context was made at a date that the query names, or tells of it.',
    ),
    time_factor: number(1.3, 0.01, 100, 'Factor where the query asks for a time and the text tells of one.'),
    slope: number(2, 0.01, 100, 'How fast the similarity nears 1 as more of the query is found.'),
    relative_exponent: number(
      0.5,
      0,
      100,
      'How far the similarity falls with the distance to the best candidate; 0 for not at all.',
    ),
  },
);

/**
 * 4 characters or 0.75 words per token: OpenAI's rule of thumb for English (help.openai.com, "What are tokens and how to
 * count them?").
 */
const TOKENS = section('Numbers of the token estimators.', {
  chars_per_token: number(
    4,
    0.1,
    100,
    'CharacterBased: ASCII letters of one token; other characters count as so many letters as o200k_base makes of them.',
  ),
  words_per_token: number(0.75, 0.01, 100, 'WordBased: words of one token.'),
  encoding: choice(
    'o200k_base',
    ['o200k_base', 'cl100k_base'],
    'Exact: the byte-pair encoding (GPT-4o and later; GPT-4 and 3.5).',
  ),
});

const STRATEGY: Setting<Priority> = {
  description: 'How the token budget is split over L1, L2 and L3: a name, or three shares as [30, 40, 30].',
  default: 'Balanced',
  anyOf: [
    { type: 'string', enum: STRATEGIES },
    { type: 'array', items: { type: 'number', minimum: 0, maximum: 1_000_000 }, minItems: 3, maxItems: 3 },
  ],
};

const DAY_SECS = 86_400;

/** Tiers, retrieval and ranking; what each number does is said where it is used, in src/hirag. */
export const HIRAG = section(
  'Tiers, retrieval and ranking.',
  {
    l1_enabled: flag(true, 'Keep a working set (L1); without it stores go to the next level that is on.'),
    l1_size: integer(50, 1, 10_000, 'Contexts in L1 of an agent and session; older ones move to L2.'),
    l2_enabled: flag(true, 'Keep a short-term memory (L2); without it what leaves L1 goes to L3.'),
    l2_size: integer(200, 1, 1_000_000, 'Contexts in L2 of an agent; older ones move to L3.'),
    l2_ttl_secs: integer(3600, 0, 3650 * DAY_SECS, 'How long a context stays in L2, in seconds; 0 for no end.'),
    l2_expiry: choice('promote', ['promote', 'delete'], 'What happens then: it moves to L3, or is deleted.'),
    promote_after_accesses: integer(
      0,
      0,
      1_000_000_000,
      'Where it is not 0, this decides in place of l2_expiry: what was returned at least so many times moves to L3, the rest is deleted.',
    ),
    l3_enabled: flag(true, 'Keep a long-term memory (L3); without it what leaves L2 is deleted.'),
    l3_ttl_secs: integer(0, 0, 3650 * DAY_SECS, 'How long a context stays in L3, in seconds; 0 for ever.'),
    max_context_tokens: integer(4000, 1, 1_000_000, 'Token budget of a query that names none.'),
    min_contexts_per_level: integer(
      0,
      0,
      100,
      'Contexts that every level gets into an answer, where they fit and have anything to do with the query.',
    ),
    retrieval_strategy: withAlias(STRATEGY, 'hirag.strategy'),
    token_estimator: withAlias(
      choice(
        'CharacterBased',
        ['CharacterBased', 'WordBased', 'Exact'],
        'How many tokens a text is taken to cost: by its characters, by its words, or by a real tokenizer.',
      ),
      'hirag.tokens.estimator',
    ),
    query_limit: integer(50, 1, 1000, 'Contexts of an answer where the query names no limit.'),
    relevance_threshold: number(
      0.05,
      0,
      1,
      'Least similarity of an answer, the same for every embedder; where nothing is that similar, what has min_similarity stands in, and the answer says so. A query may name its own, which is one of the score.',
    ),
    min_similarity: number(
      0.05,
      0,
      1,
      'Similarity below which nothing stands in either, but the best min_contexts_per_level of a level.',
    ),
    near_duplicate_threshold: number(
      0.9,
      0,
      1,
      'Texts that differ only in fillers (the, please, too) and agree to this share of their words count as one; 1: equal ones only.',
    ),
    ranking: choice(
      'proportional',
      ['proportional', 'additive'],
      'How recency, level and frequency count beside the similarity: in proportion to it, so that they order what fits and lift nothing that does not; or by themselves.',
    ),
    recency_hours: number(24, 0.001, 87_600, 'Age at which recency has fallen to 1/e, in hours.'),
    candidates: integer(
      24,
      1,
      10_000,
      'Candidates that each side of a search brings from each level; more where limit and max_tokens let more into the answer, and for a question by a vector alone no more than twice what they let in.',
    ),
    accesses: choice(
      'returned',
      ['returned', 'used'],
      'What counts as an access of a context: that an answer held it, or only that a client says it was of use (context.used).',
    ),
    access_flush_ms: integer(1000, 10, 60_000, 'How often access counts are written, in milliseconds.'),
    access_flush_entries: integer(1000, 1, 100_000, 'Contexts with new access counts that are written at once.'),
    gc_interval_secs: integer(300, 1, DAY_SECS, 'How often lifetimes are ended, in seconds.'),
    gc_batch: integer(
      100,
      1,
      10_000,
      'Contexts whose lifetime ended that are handled in one step; others are let through between two.',
    ),
    weights: WEIGHTS,
    level_weights: LEVEL_WEIGHTS,
    fusion: FUSION,
    tokens: TOKENS,
  },
  {
    gc_schedule: bareText(
      'When lifetimes are ended in place of gc_interval_secs, as a cron expression: "*/5 * * * *" (minute hour day month weekday).',
    ),
  },
);
