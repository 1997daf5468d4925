import { badRequest } from '../../base/errors.ts';
import type { Settings } from '../../config/settings.ts';
import type { WindowLimits } from './offload-plan.ts';
import { liveTokens, messagesOf, type SessionBody, type SessionConfig, tokensIn } from './session-body.ts';
import type { CardView, WindowFill } from './types.ts';
import type { CardBody } from './session-body.ts';

export type WindowSettings = Settings['window'];

/** A session's own, and what is configured for all. */
export function limitsOf(config: SessionConfig, settings: WindowSettings): WindowLimits {
  const offloadAt = config.offloadAt ?? settings.offloadAt;
  const rearmAt = Math.min(config.rearmAt ?? settings.rearmAt, offloadAt);
  return {
    maxTokens: config.maxTokens ?? settings.maxTokens,
    offloadAt,
    rearmAt,
    relieveTo: Math.min(config.relieveTo ?? settings.relieveTo, offloadAt),
  };
}

/** Throws `BAD_REQUEST` where a session's own numbers contradict each other or those that hold for all. */
export function checkConfig(config: SessionConfig, settings: WindowSettings): void {
  const offloadAt = config.offloadAt ?? settings.offloadAt;
  if ((config.relieveTo ?? settings.relieveTo) > offloadAt)
    throw badRequest('/relieve_to', `must be at most offload_at, ${offloadAt}`);
  if ((config.rearmAt ?? settings.rearmAt) > offloadAt)
    throw badRequest('/rearm_at', `must be at most offload_at, ${offloadAt}`);
  const { maxTokens } = limitsOf(config, settings);
  if ((config.header?.tokens ?? 0) > maxTokens / 2)
    throw badRequest('/header', `takes more than half of the window: ${config.header?.tokens} of ${maxTokens} tokens`);
}

export function fillOf(body: SessionBody, settings: WindowSettings, offloading: boolean): WindowFill {
  const { maxTokens } = limitsOf(body.config, settings);
  const tokens = liveTokens(body.live);
  return {
    liveTokens: tokens,
    liveMessages: messagesOf(body.live).length,
    maxTokens,
    pressure: tokens / maxTokens,
    archivedMessages: body.archivedMessages,
    cards: body.cards - body.hiddenCards - body.emptyCards + body.live.filter(({ card }) => card !== undefined).length,
    offloading,
  };
}

export function cardView({ name, summary, tokens, messages, firstAtMs, lastAtMs }: CardBody): CardView {
  return {
    cardId: name,
    summary,
    firstAtMs,
    lastAtMs,
    messageCount: messages.length,
    tokenCount: tokens,
    originalTokens: tokensIn(messages),
  };
}
