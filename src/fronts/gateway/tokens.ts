import { createHash } from 'node:crypto';
import type { Caller } from '../../api/caller.ts';
import type { KeyRing } from '../../api/key-ring.ts';
import { Principal } from '../../api/principal.ts';
import { StartupError } from '../../base/errors.ts';
import type { KeySettings } from '../../config/keys.ts';
import type { Settings } from '../../config/settings.ts';
import type { UpstreamTarget } from './upstream.ts';

type TokenSettings = Settings['gateway']['tokens'][number];
type GatewaySettings = Pick<Settings['gateway'], 'tokens' | 'upstreamUrl' | 'upstreamToken'>;
type KeyNames = Pick<KeySettings, 'id' | 'namespaces'>;

/** Somebody with a token. */
export interface TokenCaller extends Caller {
  readonly namespace: string;
  /** Null: there is no model behind the gateway for him. */
  readonly upstream: UpstreamTarget | null;
}

const HASH = 'sha256:';

/** As a token stands in the settings. */
export function hashOfToken(token: string): string {
  return HASH + createHash('sha256').update(token).digest('hex');
}

/** Who may ask the gateway, by the hash of his token: finding one tells nothing about others. */
export class GatewayTokens {
  #callers = new Map<string, TokenCaller>();

  /** Throws `StartupError` as `checkTokens` does. */
  constructor(settings: GatewaySettings, keys: KeyRing) {
    this.replace(settings, keys);
  }

  /** From now on these and no others, with what their keys may do now. */
  replace(settings: GatewaySettings, keys: KeyRing): void {
    checkTokens(
      settings,
      keys.all.map(({ principal }) => ({ id: principal.keyId, namespaces: principal.namespaces })),
    );
    const before = this.#callers;
    this.#callers = new Map(
      settings.tokens.map((token) => [token.tokenHash, callerOf(token, settings, keys, before.get(token.tokenHash))]),
    );
    const stay = new Set([...this.#callers.values()].map(({ principal }) => principal));
    for (const { principal, unmetered } of before.values()) {
      if (stay.has(principal)) continue;
      principal.remove();
      unmetered.remove();
    }
  }

  /** Null: there is no such token. */
  find(token: string): TokenCaller | null {
    return this.#callers.get(hashOfToken(token)) ?? null;
  }
}

/** Throws `StartupError` where a token stands twice, names a key that there is none of, or a namespace that its key does not see. */
export function checkTokens({ tokens }: Pick<GatewaySettings, 'tokens'>, keys: readonly KeyNames[]): void {
  const known = new Map(keys.map((key) => [key.id, key]));
  tokens.forEach((token, place) => {
    const name = `\`gateway.tokens[${place}]`;
    if (tokens.findIndex(({ tokenHash }) => tokenHash === token.tokenHash) !== place)
      throw new StartupError(`${name}.token_hash\` stands there twice`, 'Remove one of the two.');
    const key = known.get(token.keyId);
    if (key === undefined) {
      throw new StartupError(
        `${name}.key_id\` is "${token.keyId}", and there is no such key`,
        'Name one of [[keys]], or "default" where there are none.',
      );
    }
    if (namespaceOf(token, key.namespaces) !== null) return;
    throw new StartupError(
      token.namespace === undefined
        ? `${name}.namespace\` is missing, and key "${key.id}" has several`
        : `${name}.namespace\` is none that key "${key.id}" sees`,
      'Name a namespace of the key.',
    );
  });
}

/** Null: none that the key sees. */
function namespaceOf({ namespace }: TokenSettings, namespaces: readonly string[]): string | null {
  const ofKey = new Principal('', { scopes: [], namespaces }, null);
  if (namespace === undefined) return ofKey.defaultNamespace;
  return ofKey.mayUse(namespace) ? namespace : null;
}

/** `before`: of the same token, until now. What is under way with it goes on with what it may do now. */
function callerOf(
  token: TokenSettings,
  settings: GatewaySettings,
  keys: KeyRing,
  before: TokenCaller | undefined,
): TokenCaller {
  const key = keys.principalOf(token.keyId);
  const namespace = namespaceOf(token, key?.namespaces ?? []);
  if (key === null || namespace === null) throw new StartupError('a token of the gateway has no key', 'Correct it.');
  const rights = { ...key.rights, namespaces: [namespace] };
  const isSame = before?.principal.keyId === key.keyId;
  if (isSame) {
    before.principal.change(rights, key.bucket);
    before.unmetered.change(rights, null);
  }
  const url = token.upstreamUrl ?? settings.upstreamUrl;
  // The common token belongs to the common upstream alone.
  const upstreamToken = token.upstreamToken ?? (token.upstreamUrl === undefined ? settings.upstreamToken : undefined);
  return {
    principal: isSame ? before.principal : new Principal(key.keyId, rights, key.bucket, key.use),
    unmetered: isSame ? before.unmetered : new Principal(key.keyId, rights, null),
    agent: token.agent,
    namespace,
    upstream: url === undefined ? null : { url, ...(upstreamToken !== undefined && { token: upstreamToken }) },
  };
}
