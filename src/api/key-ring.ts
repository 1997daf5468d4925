import type { Clock } from '../base/clock.ts';
import { StartupError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { SECRET_BYTES_MIN } from '../base/wire-limits.ts';
import { EVERY_NAMESPACE } from '../base/wire-names.ts';
import type { KeySettings } from '../config/keys.ts';
import { Principal } from './principal.ts';

/** As configured, or with the secret's bytes. */
export interface KeyConfig extends Omit<KeySettings, 'secret'> {
  readonly secret: string | Uint8Array;
}

/** A secret to verify a tag with; `principal` is null where no key stands behind it. */
export interface Candidate {
  readonly secret: Uint8Array;
  readonly principal: Principal | null;
}

const SECRETS_PER_ID = 2;

/**
 * Who may connect. Every id, known or not, has exactly two candidates, so that verifying a tag is the same
 * work for an unknown key, a key with one secret and a key with two (wire protocol, section 2).
 */
export class KeyRing {
  readonly #candidates = new Map<string, readonly Candidate[]>();
  readonly #nobody: readonly Candidate[];

  /** Throws `StartupError` where a key breaks the rules of the wire protocol. */
  constructor(keys: readonly KeyConfig[], clock: Clock, random: Random) {
    this.#nobody = [dummy(random), dummy(random)];
    for (const key of keys) {
      const secret = Buffer.from(key.secret);
      checkKey(key, secret.length);
      const known = this.#candidates.get(key.id)?.filter((candidate) => candidate.principal !== null) ?? [];
      if (known.length === SECRETS_PER_ID) {
        throw new StartupError(
          `key "${key.id}" has more than two secrets`,
          'Remove the oldest entry of that id from [[keys]].',
        );
      }
      const real: Candidate[] = [...known, { secret, principal: new Principal(key, clock) }];
      while (real.length < SECRETS_PER_ID) real.push(dummy(random));
      this.#candidates.set(key.id, real);
    }
  }

  /** Always two. */
  candidates(keyId: string): readonly Candidate[] {
    return this.#candidates.get(keyId) ?? this.#nobody;
  }
}

function dummy(random: Random): Candidate {
  return { secret: random.bytes(SECRET_BYTES_MIN), principal: null };
}

function checkKey(key: KeyConfig, secretBytes: number): void {
  if (secretBytes < SECRET_BYTES_MIN) {
    throw new StartupError(
      `the secret of key "${key.id}" is shorter than ${SECRET_BYTES_MIN} bytes`,
      'Set keys.secret to at least 32 random bytes.',
    );
  }
  if (key.namespaces.length === 0 || (key.namespaces.length > 1 && key.namespaces.includes(EVERY_NAMESPACE))) {
    throw new StartupError(
      `the namespaces of key "${key.id}" are neither literal names nor the one entry "*"`,
      'Correct keys.namespaces.',
    );
  }
}
