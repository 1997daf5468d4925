import type { Clock } from '../base/clock.ts';
import { StartupError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { ofThisServer, type NewBucket, type RateLimit, type TokenBucket } from '../base/token-bucket.ts';
import { SECRET_BYTES_MIN } from '../base/wire-limits.ts';
import { EVERY_NAMESPACE } from '../base/wire-names.ts';
import type { KeySettings } from '../config/keys.ts';
import { KeyUse } from './key-use.ts';
import { Principal, type KeyRights } from './principal.ts';

/** As configured, or with the secret's bytes. */
export interface KeyConfig extends Omit<KeySettings, 'secret'> {
  readonly secret: string | Uint8Array;
}

/** A secret to verify a tag with; `principal` is null where no key stands behind it. */
export interface Candidate {
  readonly secret: Uint8Array;
  readonly principal: Principal | null;
}

/** Ids of keys, by what became of them. */
export interface KeyChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** In a secret, or in what they may do. */
  readonly changed: readonly string[];
}

/** One secret that somebody may connect with. */
interface Entry {
  readonly config: KeyConfig;
  readonly secret: Buffer;
  readonly principal: Principal;
}

const SECRETS_PER_ID = 2;

/**
 * Who may connect. Every id, known or not, has exactly two candidates, so that verifying a tag is the same
 * work for an unknown key, a key with one secret and a key with two (wire protocol, section 2).
 */
export class KeyRing {
  readonly #newBucket: NewBucket;
  readonly #random: Random;
  readonly #nobody: readonly Candidate[];
  #entries = new Map<string, readonly Entry[]>();
  #candidates = new Map<string, readonly Candidate[]>();
  /** By id: whatever secret it uses, a key has one. */
  #buckets = new Map<string, TokenBucket>();
  readonly #uses = new Map<string, KeyUse>();

  /** Throws `StartupError` where a key breaks the rules of the wire protocol. */
  constructor(keys: readonly KeyConfig[], clock: Clock, random: Random, newBucket: NewBucket = ofThisServer(clock)) {
    this.#newBucket = newBucket;
    this.#random = random;
    this.#nobody = [this.#dummy(), this.#dummy()];
    this.replace(keys);
  }

  /** Each key that is known, in the order of configuration, with the number of its secrets. */
  get all(): readonly { readonly principal: Principal; readonly secrets: number }[] {
    return [...this.#entries].map(([id, { length }]) => ({ principal: this.principalOf(id)!, secrets: length }));
  }

  /** Of its newest secret that is not disabled, where there is one; null: there is no such key. */
  principalOf(keyId: string): Principal | null {
    const entries = this.#entries.get(keyId) ?? [];
    return (entries.findLast(({ principal }) => !principal.isDisabled) ?? entries.at(-1))?.principal ?? null;
  }

  /** How much each key is used, by its id. */
  get uses(): ReadonlyMap<string, KeyUse> {
    return new Map([...this.#entries.keys()].map((id) => [id, this.#useOf(id)]));
  }

  /** How much a key was used before this ring was made. */
  recall(keyId: string, requests: number, lastUsedAtMs: number | null): void {
    this.#useOf(keyId).recall(requests, lastUsedAtMs);
  }

  /** Always two. */
  candidates(keyId: string): readonly Candidate[] {
    return this.#candidates.get(keyId) ?? this.#nobody;
  }

  /**
   * From now on these keys and no others. A principal whose id and secret are still there stays, with what the key may do now;
   * others have ended. Throws `StartupError` where a key breaks the rules of the wire protocol, and has changed nothing.
   */
  replace(keys: readonly KeyConfig[]): KeyChanges {
    for (const key of keys) checkKey(key);
    const configs = Map.groupBy(keys, ({ id }) => id);
    for (const [id, { length }] of configs) checkCount(id, length);
    const before = this.#entries;
    const changes = changesBetween(before, configs);
    this.#buckets = new Map([...configs].flatMap(([id, those]) => this.#bucketOf(id, those)));
    this.#entries = new Map([...configs].map(([id, those]) => [id, those.map((one) => this.#entry(one, those))]));
    this.#candidates = new Map([...this.#entries].map(([id, those]) => [id, this.#padded(those)]));
    const stay = new Set([...this.#entries.values()].flat().map(({ principal }) => principal));
    for (const { principal } of [...before.values()].flat()) if (!stay.has(principal)) principal.remove();
    return changes;
  }

  /** Of two secrets the last one says how much; what was taken counts on. */
  #bucketOf(id: string, configs: readonly KeyConfig[]): [string, TokenBucket][] {
    const limit = configs.at(-1)?.rateLimit;
    if (limit === undefined) return [];
    const known = this.#buckets.get(id);
    known?.change(limit);
    return [[id, known ?? this.#newBucket(`key ${id}`, limit)]];
  }

  #entry({ id, ...config }: KeyConfig, ofId: readonly KeyConfig[]): Entry {
    const secret = Buffer.from(config.secret);
    const bucket = this.#buckets.get(id) ?? null;
    const rights = rightsOf(config, ofId.at(-1)?.rateLimit);
    const known = this.#entries.get(id)?.find((entry) => entry.secret.equals(secret));
    known?.principal.change(rights, bucket);
    const principal = known?.principal ?? new Principal(id, rights, bucket, this.#useOf(id));
    return { config: { id, ...config }, secret, principal };
  }

  /** It outlives the key: one that is configured again goes on where it was. */
  #useOf(id: string): KeyUse {
    const known = this.#uses.get(id) ?? new KeyUse();
    this.#uses.set(id, known);
    return known;
  }

  #padded(entries: readonly Entry[]): Candidate[] {
    return Array.from({ length: SECRETS_PER_ID }, (_, place) => entries[place] ?? this.#dummy());
  }

  #dummy(): Candidate {
    return { secret: this.#random.bytes(SECRET_BYTES_MIN), principal: null };
  }
}

function rightsOf(
  { scopes, namespaces, certificates, notAfterMs, disabled }: Omit<KeyConfig, 'id'>,
  rateLimit?: RateLimit,
): KeyRights {
  return {
    scopes: [...scopes],
    namespaces: [...namespaces],
    ...(certificates !== undefined && { certificates: [...certificates] }),
    ...(notAfterMs !== undefined && { notAfterMs }),
    ...(disabled === true && { disabled }),
    ...(rateLimit !== undefined && { rateLimit }),
  };
}

function changesBetween(
  before: ReadonlyMap<string, readonly Entry[]>,
  after: ReadonlyMap<string, readonly KeyConfig[]>,
): KeyChanges {
  const ids = [...after.keys()];
  return {
    added: ids.filter((id) => !before.has(id)),
    removed: [...before.keys()].filter((id) => !after.has(id)),
    changed: ids.filter((id) => before.has(id) && !isSame(before.get(id) ?? [], after.get(id) ?? [])),
  };
}

function isSame(before: readonly Entry[], after: readonly KeyConfig[]): boolean {
  if (before.length !== after.length) return false;
  return before.every(({ config, secret }, place) => {
    const other = after[place] as KeyConfig;
    return secret.equals(Buffer.from(other.secret)) && saidOf(config) === saidOf(other);
  });
}

function saidOf({ scopes, namespaces, certificates, notAfterMs, rateLimit, disabled }: KeyConfig): string {
  const rate = [rateLimit?.perSecond, rateLimit?.burst];
  return JSON.stringify([scopes, namespaces, certificates, notAfterMs, ...rate, disabled]);
}

function checkCount(id: string, secrets: number): void {
  if (secrets <= SECRETS_PER_ID) return;
  throw new StartupError(`key "${id}" has more than two secrets`, 'Remove the oldest entry of that id from [[keys]].');
}

function checkKey(key: KeyConfig): void {
  if (Buffer.from(key.secret).length < SECRET_BYTES_MIN) {
    throw new StartupError(
      `the secret of key "${key.id}" is shorter than ${SECRET_BYTES_MIN} bytes`,
      'Set keys.secret to at least 32 random bytes.',
    );
  }
  if (key.namespaces.length === 0 || (key.namespaces.length > 1 && key.namespaces.includes(EVERY_NAMESPACE))) {
    throw new StartupError(
      `the namespaces of key "${key.id}" are neither names and prefixes nor the one entry "*"`,
      'Correct keys.namespaces.',
    );
  }
}
