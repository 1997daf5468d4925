import { isLiteralNamespace, NamespaceSet } from '../base/namespace-set.ts';
import { DEFAULT_NAMESPACE, type Scope } from '../base/wire-names.ts';
import type { KeySettings } from '../config/keys.ts';
import type { RateLimit, TokenBucket } from '../base/token-bucket.ts';
import { KeyUse } from './key-use.ts';

export type KeyRights = Omit<KeySettings, 'id' | 'secret'>;

/** What runs for a key when it is removed or disabled may take so much longer. */
export const REVOKED_GRACE_MS = 500;

/**
 * What one key may do; shared by all connections that authenticated with one secret of it. A reload changes it in place, so that
 * what it says holds from the next request on.
 */
export class Principal {
  readonly keyId: string;
  /** Of the key, with whatever secret. */
  readonly use: KeyUse;
  #rights: KeyRights;
  #bucket: TokenBucket | null;
  #allowed: NamespaceSet;
  #isRemoved = false;

  /** `bucket`: of the key, with whatever secret; null: no limit. `use`: where what it asks is counted; absent: nowhere. */
  constructor(keyId: string, rights: KeyRights, bucket: TokenBucket | null, use = new KeyUse()) {
    this.keyId = keyId;
    this.use = use;
    this.#rights = rights;
    this.#bucket = bucket;
    this.#allowed = new NamespaceSet(rights.namespaces);
  }

  /** From now on. */
  change(rights: KeyRights, bucket: TokenBucket | null): void {
    this.#rights = rights;
    this.#bucket = bucket;
    this.#allowed = new NamespaceSet(rights.namespaces);
  }

  /** The key, or the secret of it that this one stands for, is no longer configured. */
  remove(): void {
    this.#isRemoved = true;
  }

  get scopes(): readonly Scope[] {
    return this.#rights.scopes;
  }

  get rights(): KeyRights {
    return this.#rights;
  }

  /** As configured, for `welcome`. */
  get namespaces(): readonly string[] {
    return this.#rights.namespaces;
  }

  get allowed(): NamespaceSet {
    return this.#allowed;
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
    return this.#allowed.isEvery;
  }

  /** What an omitted `namespace` means; null where the key has several (section 5). */
  get defaultNamespace(): string | null {
    if (this.everyNamespace) return DEFAULT_NAMESPACE;
    const [first, ...others] = this.#rights.namespaces;
    return first !== undefined && others.length === 0 && isLiteralNamespace(first) ? first : null;
  }

  /** `any` stands for every key. */
  has(scope: Scope | 'any'): boolean {
    return scope === 'any' || this.scopes.includes(scope);
  }

  mayUse(namespace: string): boolean {
    return this.#allowed.has(namespace);
  }

  /** Whether it counts on a connection whose other end has shown a certificate with these names; none: it has shown none. */
  isProvenBy(certificateNames: readonly string[]): boolean {
    const { certificates } = this.#rights;
    return certificates === undefined || certificates.some((name) => certificateNames.includes(name));
  }

  get isDisabled(): boolean {
    return this.#rights.disabled === true;
  }

  /** Somebody has taken it away: it ends without delay. */
  get isRevoked(): boolean {
    return this.#isRemoved || this.isDisabled;
  }

  /** Why nothing is done for it any more, as clients are told; null: it is valid. To be asked at every request, at each door. */
  endedBecause(nowMs: number): string | null {
    if (this.#isRemoved) return 'the key, or this secret of it, was removed';
    if (this.isDisabled) return 'the key, or this secret of it, is disabled';
    const { notAfterMs } = this.#rights;
    return notAfterMs !== undefined && nowMs >= notAfterMs ? 'the key has expired' : null;
  }
}
