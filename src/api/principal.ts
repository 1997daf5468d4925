import type { Clock } from '../base/clock.ts';
import { DEFAULT_NAMESPACE, EVERY_NAMESPACE, type Scope } from '../base/wire-names.ts';
import type { KeySettings } from '../config/keys.ts';
import { TokenBucket } from '../base/token-bucket.ts';

/** What one key may do; shared by all connections that authenticated with it. */
export class Principal {
  readonly keyId: string;
  readonly scopes: readonly Scope[];
  /** As configured, for `welcome`. */
  readonly namespaces: readonly string[];
  /** Null: the key does not expire. */
  readonly notAfterMs: number | null;
  /** Null: no limit. */
  readonly bucket: TokenBucket | null;
  readonly everyNamespace: boolean;
  /** What an omitted `namespace` means; null where the key has several (section 5). */
  readonly defaultNamespace: string | null;
  readonly #allowed: ReadonlySet<string>;

  constructor(key: Omit<KeySettings, 'secret'>, clock: Clock) {
    this.keyId = key.id;
    this.scopes = [...key.scopes];
    this.namespaces = [...key.namespaces];
    this.notAfterMs = key.notAfterMs ?? null;
    this.bucket = key.rateLimit === undefined ? null : new TokenBucket(key.rateLimit, clock);
    this.everyNamespace = key.namespaces.includes(EVERY_NAMESPACE);
    this.#allowed = new Set(key.namespaces);
    this.defaultNamespace = this.everyNamespace
      ? DEFAULT_NAMESPACE
      : key.namespaces.length === 1
        ? (key.namespaces[0] ?? null)
        : null;
  }

  /** `any` stands for every key. */
  has(scope: Scope | 'any'): boolean {
    return scope === 'any' || this.scopes.includes(scope);
  }

  mayUse(namespace: string): boolean {
    return this.everyNamespace || this.#allowed.has(namespace);
  }

  hasExpired(nowMs: number): boolean {
    return this.notAfterMs !== null && nowMs >= this.notAfterMs;
  }
}
