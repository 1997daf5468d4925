import { DEFAULT_NAMESPACE, EVERY_NAMESPACE, type Scope } from '../base/wire-names.ts';
import type { KeySettings } from '../config/keys.ts';
import type { RateLimit, TokenBucket } from '../base/token-bucket.ts';

export type KeyRights = Omit<KeySettings, 'id' | 'secret'>;

/**
 * What one key may do; shared by all connections that authenticated with one secret of it. A reload changes it in place, so that
 * what it says holds from the next request on.
 */
export class Principal {
  readonly keyId: string;
  #rights: KeyRights;
  #bucket: TokenBucket | null;
  #allowed: ReadonlySet<string>;
  #isRemoved = false;

  /** `bucket`: of the key, with whatever secret; null: no limit. */
  constructor(keyId: string, rights: KeyRights, bucket: TokenBucket | null) {
    this.keyId = keyId;
    this.#rights = rights;
    this.#bucket = bucket;
    this.#allowed = new Set(rights.namespaces);
  }

  /** From now on. */
  change(rights: KeyRights, bucket: TokenBucket | null): void {
    this.#rights = rights;
    this.#bucket = bucket;
    this.#allowed = new Set(rights.namespaces);
  }

  /** The key, or the secret of it that this one stands for, is no longer configured. */
  remove(): void {
    this.#isRemoved = true;
  }

  get scopes(): readonly Scope[] {
    return this.#rights.scopes;
  }

  /** As configured, for `welcome`. */
  get namespaces(): readonly string[] {
    return this.#rights.namespaces;
  }

  /** Null: the key does not expire. */
  get notAfterMs(): number | null {
    return this.#rights.notAfterMs ?? null;
  }

  /** Null: it counts on any connection. */
  get certificates(): readonly string[] | null {
    return this.#rights.certificates ?? null;
  }

  /** Null: none. */
  get rateLimit(): RateLimit | null {
    return this.#rights.rateLimit ?? null;
  }

  /** Null: no limit. */
  get bucket(): TokenBucket | null {
    return this.#bucket;
  }

  get everyNamespace(): boolean {
    return this.#allowed.has(EVERY_NAMESPACE);
  }

  /** What an omitted `namespace` means; null where the key has several (section 5). */
  get defaultNamespace(): string | null {
    if (this.everyNamespace) return DEFAULT_NAMESPACE;
    const { namespaces } = this.#rights;
    return namespaces.length === 1 ? (namespaces[0] ?? null) : null;
  }

  /** `any` stands for every key. */
  has(scope: Scope | 'any'): boolean {
    return scope === 'any' || this.scopes.includes(scope);
  }

  mayUse(namespace: string): boolean {
    return this.everyNamespace || this.#allowed.has(namespace);
  }

  /** Whether it counts on a connection whose other end has shown a certificate with these names; none: it has shown none. */
  isProvenBy(certificateNames: readonly string[]): boolean {
    const { certificates } = this.#rights;
    return certificates === undefined || certificates.some((name) => certificateNames.includes(name));
  }

  hasExpired(nowMs: number): boolean {
    const { notAfterMs } = this.#rights;
    return notAfterMs !== undefined && nowMs >= notAfterMs;
  }

  /** Why nothing is done for it any more, as clients are told; null: it is valid. To be asked at every request, at each door. */
  endedBecause(nowMs: number): string | null {
    if (this.#isRemoved) return 'the key, or this secret of it, was removed';
    return this.hasExpired(nowMs) ? 'the key has expired' : null;
  }
}
