import { StartupError } from './base/errors.ts';
import type { Config } from './config/schema.ts';
import type { KeySettings } from './config/keys.ts';
import type { HiragSettings } from './hirag/settings.ts';
import type { FusionSettings } from './hirag/rank/similarity.ts';
import type { KeyConfig } from './api/key-ring.ts';
import { gateLimits, type GateLimits } from './api/limits.ts';
import type { ServerLimits } from './fronts/socket/limits.ts';

/** From the names of the configuration to those of the parts; the one place that knows both. */
export function hiragSettings(config: Config['hirag']): HiragSettings {
  const { tokens } = config;
  return {
    l1Enabled: config.l1_enabled,
    l1Size: config.l1_size,
    l2Enabled: config.l2_enabled,
    l2Size: config.l2_size,
    l2TtlSecs: config.l2_ttl_secs,
    l2Expiry: config.l2_expiry,
    l3Enabled: config.l3_enabled,
    l3TtlSecs: config.l3_ttl_secs,
    maxContextTokens: config.max_context_tokens,
    minContextsPerLevel: config.min_contexts_per_level,
    strategy: config.strategy,
    queryLimit: config.query_limit,
    relevanceThreshold: config.relevance_threshold,
    minSimilarity: config.min_similarity,
    nearDuplicateThreshold: config.near_duplicate_threshold,
    recencyHours: config.recency_hours,
    candidates: config.candidates,
    accessFlushMs: config.access_flush_ms,
    accessFlushEntries: config.access_flush_entries,
    gcBatch: config.gc_batch,
    weights: config.weights,
    levelWeights: config.level_weights,
    fusion: fusionSettings(config.fusion),
    tokens: {
      estimator: tokens.estimator,
      charsPerToken: tokens.chars_per_token,
      wordsPerToken: tokens.words_per_token,
      encoding: tokens.encoding,
    },
  };
}

function fusionSettings(config: Config['hirag']['fusion']): FusionSettings {
  return {
    denseShare: { lexical: config.dense_share_lexical, semantic: config.dense_share_semantic },
    denseFloor: { lexical: config.dense_floor_lexical, semantic: config.dense_floor_semantic },
    denseFloorSamples: config.dense_floor_samples,
    neighbourWeights: config.neighbour_weights,
    answerWeight: config.answer_weight,
    neighbourTokens: config.neighbour_tokens,
    denseNeighbourWeight: config.dense_neighbour_weight,
    speakerFactor: config.speaker_factor,
    questionFactor: config.question_factor,
    dateBoost: config.date_boost,
    slope: config.slope,
    relativeExponent: config.relative_exponent,
  };
}

export function serverLimits(config: Config['protocol']): Partial<ServerLimits> {
  return {
    maxFrameBytes: config.max_frame_bytes,
    authTimeoutMs: config.auth_timeout_ms,
    maxAgeMs: config.max_age_ms,
    maxSkewMs: config.max_skew_ms,
    maxInFlight: config.max_in_flight,
    maxBufferedBytes: config.max_buffered_bytes,
    heartbeatMs: config.heartbeat_ms,
  };
}

export function gateSettings(config: Config['protocol']): GateLimits {
  return gateLimits({
    maxInFlightTotal: config.max_in_flight_total,
    maxFrameBytes: config.max_frame_bytes,
    maxBufferedBytes: config.max_buffered_bytes,
  });
}

/** Wire protocol, section 2: the secret's bytes are the text's, in UTF-8. */
export function keyConfigs(keys: readonly KeySettings[]): KeyConfig[] {
  return keys.map(({ secret, ...rest }) => ({ ...rest, secret: Buffer.from(secret, 'utf8') }));
}

/** A setting that a driver needs and nobody else does. */
export function required<T>(value: T | undefined, setting: string, why: string): T {
  if (value === undefined)
    throw new StartupError(`\`${setting}\` is not set`, `${why} needs it; see config/reference.toml.`);
  return value;
}
