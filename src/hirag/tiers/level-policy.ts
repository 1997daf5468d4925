import { LEVELS, type ContextRecord, type Level } from '../../base/context.ts';
import { badRequest } from '../../base/errors.ts';
import type { Lifetime, Move, Promotion, Trim } from '../../store/store.ts';
import type { Settings } from '../../config/settings.ts';

const SECOND_MS = 1000;

/** A context that entered a level; a record is one. */
export type Entry = Pick<ContextRecord, 'namespace' | 'agentId' | 'sessionId' | 'level'>;

/** What a client asks for, whatever the level. */
export function clientLifetime(nowMs: number, ttlMs: number): Lifetime {
  return { expiresAtMs: nowMs + ttlMs, expiryAction: 'delete', expirySetBy: 'client' };
}

/** Of what is not to end before whoever keeps it lets go of it, whatever level it comes into. */
export const KEPT: Lifetime = { expiresAtMs: null, expiryAction: 'delete', expirySetBy: 'client' };

/** Which levels there are, how long contexts stay in them and where they go from there. */
export class LevelPolicy {
  readonly #settings: Settings['hirag'];
  /** Levels that are on, highest first. */
  readonly enabled: readonly Level[];

  constructor(settings: Settings['hirag']) {
    this.#settings = settings;
    const on = { immediate: settings.l1Enabled, short_term: settings.l2Enabled, long_term: settings.l3Enabled };
    this.enabled = LEVELS.filter((level) => on[level]);
  }

  /** Where a store that names no level goes; `BAD_REQUEST` where it names one that is off. */
  target(level: Level | undefined): Level {
    if (level !== undefined) this.check(level, '/level');
    const chosen = level ?? this.enabled[0];
    if (chosen === undefined) throw badRequest('/level', 'every level is switched off on this server');
    return chosen;
  }

  /** `field` is where the request names it. */
  check(level: Level, field: '/level' | '/levels'): void {
    if (this.enabled.includes(level)) return;
    const reason = `the level ${level} is switched off on this server`;
    throw badRequest(field, reason, reason);
  }

  /** The level that takes what this one cannot keep; undefined: it is deleted. */
  below(level: Level): Level | undefined {
    return this.enabled.find((other) => LEVELS.indexOf(other) > LEVELS.indexOf(level));
  }

  /** What the level gives to a context whose client asks for none. */
  lifetime(level: Level, nowMs: number): Lifetime {
    const { l2TtlSecs, l3TtlSecs } = this.#settings;
    const secs = { immediate: 0, short_term: l2TtlSecs, long_term: l3TtlSecs }[level];
    return {
      expiresAtMs: secs > 0 ? nowMs + secs * SECOND_MS : null,
      expiryAction: secs > 0 && level === 'short_term' ? 'promote' : 'delete',
      expirySetBy: 'level',
    };
  }

  /** With the lifetime that the level gives. */
  move(to: Level, nowMs: number): Move {
    return { to, lifetime: this.lifetime(to, nowMs) };
  }

  /** What becomes of what L2 may keep no longer; null: it is deleted, by policy or because there is nowhere to go. */
  promotion(nowMs: number): Promotion | null {
    const { l2Expiry, l3Enabled, promoteAfterAccesses } = this.#settings;
    if (!l3Enabled || (l2Expiry === 'delete' && promoteAfterAccesses === 0)) return null;
    return { ...this.lifetime('long_term', nowMs), accessesMin: promoteAfterAccesses };
  }

  /** Whether that depends on how often it was returned. */
  get promotesByAccesses(): boolean {
    return this.#settings.l3Enabled && this.#settings.promoteAfterAccesses > 0;
  }

  /** Brings L1 and L2 back within their bounds after contexts entered levels: what falls out of L1 may overfill L2. */
  trims(entered: Iterable<Entry>, nowMs: number): Trim[] {
    const sessions = new Map<string, Entry>();
    const agents = new Map<string, Entry>();
    for (const entry of entered) {
      if (entry.level === 'long_term') continue;
      const { namespace, agentId, sessionId } = entry;
      if (entry.level === 'immediate') sessions.set(JSON.stringify([namespace, agentId, sessionId]), entry);
      agents.set(JSON.stringify([namespace, agentId]), entry);
    }
    const trims = [...sessions.values()].map((entry) => this.#trim(entry, 'immediate', nowMs));
    if (this.#settings.l2Enabled)
      for (const entry of agents.values()) trims.push(this.#trim(entry, 'short_term', nowMs));
    return trims;
  }

  /** L1 is bounded per session, L2 per agent. */
  #trim(entry: Entry, level: 'immediate' | 'short_term', nowMs: number): Trim {
    const { namespace, agentId, sessionId } = entry;
    const below = this.below(level);
    return {
      namespace,
      agentId,
      ...(level === 'immediate' ? { sessionId } : {}),
      level,
      keep: level === 'immediate' ? this.#settings.l1Size : this.#settings.l2Size,
      ...(below === undefined ? {} : { move: this.move(below, nowMs) }),
    };
  }
}
