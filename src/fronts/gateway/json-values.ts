// What a client or a model wrote as JSON, of which nothing is sure.

import { estimatedTokens } from '../../base/text/passages.ts';

export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

export function textOr(value: unknown, otherwise = ''): string {
  return typeof value === 'string' ? value : otherwise;
}

const ENCODED_UNITS_MIN = 256;
const ENCODED = /^[A-Za-z0-9+/=_-]+$/;

/** About what the texts in a value cost, without pictures and what else is encoded. */
export function textTokens(value: unknown): number {
  if (typeof value === 'string') return isEncoded(value) ? 0 : roughTokens(value);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, each) => sum + textTokens(each), 0);
}

function isEncoded(text: string): boolean {
  const begin = text.slice(0, SAMPLE_UNITS);
  return begin.startsWith('data:') || (text.length > ENCODED_UNITS_MIN && ENCODED.test(begin));
}

/** Longer texts are judged by samples. */
const SAMPLE_UNITS = 16_384;
const SAMPLES = 4;

/** About what a text costs, whose length nothing bounds. */
export function roughTokens(text: string): number {
  const { length } = text;
  if (length <= SAMPLES * SAMPLE_UNITS) return estimatedTokens(text);
  let tokens = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const from = Math.floor((sample * (length - SAMPLE_UNITS)) / (SAMPLES - 1));
    tokens += estimatedTokens(text.slice(from, from + SAMPLE_UNITS));
  }
  return Math.ceil((tokens * length) / (SAMPLES * SAMPLE_UNITS));
}
