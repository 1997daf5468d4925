import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { takeFrom } from '../../../api/gate.ts';
import type { KeyRing } from '../../../api/key-ring.ts';
import type { Principal } from '../../../api/principal.ts';
import type { Clock } from '../../../base/clock.ts';
import type { Random } from '../../../base/random.ts';

export interface LoginDeps {
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly random: Random;
}

/** Somebody at a browser. */
export interface Login {
  /** As the key is now. */
  readonly principal: Principal;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

interface Entry {
  readonly keyId: string;
  /** Of the secret that was given: it must be one of the key's whenever the login is used. */
  readonly proof: Buffer;
  readonly startedMs: number;
  usedMs: number;
}

/** However long it is used. */
export const LOGIN_MS_MAX = 12 * 3_600_000;
const IDLE_MS_MAX = 3_600_000;
/** Of one key; past it the one of the same key ends that was not used for longest. */
const OF_KEY_MAX = 32;
const TOKEN_BYTES = 32;

/** Who is logged in at browsers, by the tokens in their cookies. In memory: a restart ends them all. */
export class Logins {
  readonly #deps: LoginDeps;
  readonly #proofKey: Uint8Array;
  /** By the token's hash, so that finding one tells nothing about others; the one unused for longest first. */
  readonly #entries = new Map<string, Entry>();

  constructor(deps: LoginDeps) {
    this.#deps = deps;
    this.#proofKey = deps.random.bytes(TOKEN_BYTES);
  }

  /**
   * Null for any wrong id or secret, and for a key that has expired or asks for another client certificate than those with
   * `certificateNames`, after the same work. Counts as a request of the key; throws `RATE_LIMITED` where it is over its rate.
   */
  start(
    keyId: string,
    secret: string,
    certificateNames: readonly string[] = [],
  ): (Login & { readonly token: string }) | null {
    const proof = this.#proofOf(Buffer.from(secret));
    const principal = this.#principalOf(keyId, proof, certificateNames);
    if (principal === null) return null;
    takeFrom(principal.bucket, 'key');
    principal.use.entered(this.#deps.clock.nowMs());
    const nowMs = this.#deps.clock.monotonicMs();
    const token = Buffer.from(this.#deps.random.bytes(TOKEN_BYTES)).toString('base64url');
    const entry = { keyId, proof, startedMs: nowMs, usedMs: nowMs };
    this.#entries.set(hashOf(token), entry);
    const ofKey = [...this.#entries].filter(([, other]) => other.keyId === keyId);
    for (const [hash] of ofKey.slice(0, -OF_KEY_MAX)) this.#entries.delete(hash);
    return { token, ...this.#loginOf(entry, principal) };
  }

  /** Null: there is no such login, or it is over: by time, or because the key is. */
  use(token: string, certificateNames: readonly string[] = []): Login | null {
    const hash = hashOf(token);
    const found = this.#find(hash, certificateNames);
    if (found === null) return null;
    const { entry, principal } = found;
    this.#entries.delete(hash);
    entry.usedMs = this.#deps.clock.monotonicMs();
    this.#entries.set(hash, entry);
    return this.#loginOf(entry, principal);
  }

  /** Whether `use` would find it. That a page is open is no use: whoever went away from it is logged out in time. */
  lasts(token: string, certificateNames: readonly string[] = []): boolean {
    return this.#find(hashOf(token), certificateNames) !== null;
  }

  end(token: string): void {
    this.#entries.delete(hashOf(token));
  }

  #find(
    hash: string,
    certificateNames: readonly string[],
  ): { readonly entry: Entry; readonly principal: Principal } | null {
    const entry = this.#entries.get(hash);
    if (entry === undefined) return null;
    const nowMs = this.#deps.clock.monotonicMs();
    const isOver = nowMs - entry.usedMs >= IDLE_MS_MAX || nowMs - entry.startedMs >= LOGIN_MS_MAX;
    const principal = isOver ? null : this.#principalOf(entry.keyId, entry.proof, certificateNames);
    if (principal !== null) return { entry, principal };
    this.#entries.delete(hash);
    return null;
  }

  #loginOf({ startedMs }: Entry, principal: Principal): Login {
    const { clock } = this.#deps;
    const endsAtMs = Math.floor(clock.nowMs() + startedMs + LOGIN_MS_MAX - clock.monotonicMs());
    return { principal, expiresAtMs: Math.min(endsAtMs, principal.notAfterMs ?? Infinity) };
  }

  /** Tries every candidate whatever the ones before gave, so that no outcome is quicker than another. */
  #principalOf(keyId: string, proof: Buffer, certificateNames: readonly string[]): Principal | null {
    const { keys, clock } = this.#deps;
    let found: Principal | null = null;
    for (const { secret, principal } of keys.candidates(keyId)) {
      const matches = timingSafeEqual(proof, this.#proofOf(secret));
      if (!matches || principal === null || principal.endedBecause(clock.nowMs()) !== null) continue;
      if (principal.isProvenBy(certificateNames)) found = principal;
    }
    return found;
  }

  /** Of one length for secrets of any length; a dump of this memory gives no secret away. */
  #proofOf(secret: Uint8Array): Buffer {
    return createHmac('sha256', this.#proofKey).update(secret).digest();
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
