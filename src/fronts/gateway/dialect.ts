import type { FastifyRequest } from 'fastify';

/** Whose clients read an answer. */
export type Dialect = 'openai' | 'anthropic';

/** Anthropic's clients name its version in every request. */
export function dialectOf({ headers, url }: Pick<FastifyRequest, 'headers' | 'url'>): Dialect {
  return 'anthropic-version' in headers || url.startsWith('/v1/messages') ? 'anthropic' : 'openai';
}
