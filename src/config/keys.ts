import { parseDateTime } from '../base/date-time.ts';
import { StartupError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { SECRET_BYTES_MIN } from '../base/wire-limits.ts';
import { DEFAULT_KEY_ID, EVERY_NAMESPACE, SCOPES } from '../base/wire-names.ts';
import type { LoadedConfig } from './load.ts';
import type { Environment } from './environment.ts';
import { checkSecret, SECRET_VARIABLE } from './secret.ts';
import { findSecretFile, type FoundSecret, type SecretFiles } from './secret-file.ts';
import type { Settings } from './settings.ts';
import { writtenAs } from './variable-files.ts';

type ConfiguredKey = Settings['keys'][number];

/** One key that may connect; an id may stand twice, with two secrets, while a secret is being rotated. */
export interface KeySettings {
  readonly id: string;
  /** Its bytes are those of the text in UTF-8. */
  readonly secret: string;
  readonly scopes: ConfiguredKey['scopes'];
  /** Names and prefixes, or the one entry `*`: see `NamespaceSet`. */
  readonly namespaces: readonly string[];
  /** Names of certificates, of which who uses the key must show one; absent: none. */
  readonly certificates?: readonly string[];
  /** The key is not accepted from this moment on. */
  readonly notAfterMs?: number;
  readonly rateLimit?: NonNullable<ConfiguredKey['rateLimit']>;
  /** It is known, and not accepted; absent: it is. */
  readonly disabled?: true;
}

export interface ResolvedKeys {
  readonly keys: readonly KeySettings[];
  /** Set where the default key's secret lives in a file. */
  readonly secretFile?: { readonly path: string; readonly created: boolean };
  /** For the log. */
  readonly warnings: readonly string[];
}

export interface KeySources {
  readonly environment: Environment;
  readonly files: SecretFiles;
  /** Absent: a missing secret is not made but refused. */
  readonly random?: Random;
}

/**
 * The keys that may connect, each with its secret. The default key takes `PROTOCOL_SECRET` or the file that
 * `PROTOCOL_SECRET_FILE` names, else the file
 * `<data_dir>/secret`, which is made at first start, but never in production. Throws `StartupError`.
 */
export function resolveKeys(loaded: LoadedConfig, sources: KeySources): ResolvedKeys {
  const configured =
    loaded.settings.keys.length > 0
      ? loaded.settings.keys
      : [{ id: DEFAULT_KEY_ID, scopes: SCOPES, namespaces: [EVERY_NAMESPACE], certificates: [], disabled: false }];
  const warnings: string[] = [];
  const fromVariable = sources.environment[SECRET_VARIABLE] || loaded.mountedSecret;
  const variable = writtenAs(SECRET_VARIABLE, sources.environment);
  if (fromVariable !== undefined && !configured.some((key) => key.id === DEFAULT_KEY_ID)) {
    warnings.push(`${variable} is set, but there is no key "default" for it: it is not used`);
  }
  let secretFile: ResolvedKeys['secretFile'];
  let variableTaken = false;
  const keys = configured.map((key, place) => {
    const configuredSecret = 'secret' in key ? key.secret : undefined;
    if (key.id === DEFAULT_KEY_ID && fromVariable !== undefined && !variableTaken) {
      variableTaken = true;
      return toKeySettings(key, checkSecret(fromVariable, variable), place);
    }
    if (key.id === DEFAULT_KEY_ID && configuredSecret === undefined && secretFile === undefined) {
      const found = findGenerated(loaded, sources);
      secretFile = { path: found.path, created: found.created };
      if (found.warning !== undefined) warnings.push(found.warning);
      return toKeySettings(key, found.secret, place);
    }
    return toKeySettings(key, checkSecret(configuredSecret, `keys[${place}].secret`), place);
  });
  checkIds(keys);
  checkCertificates(keys, loaded.settings.tls.clientCa);
  return { keys, warnings, ...(secretFile === undefined ? {} : { secretFile }) };
}

function findGenerated({ production, settings }: LoadedConfig, { files, random }: KeySources): FoundSecret {
  if (!production) return findSecretFile(settings.vectorDb.dataDir, files, random);
  throw new StartupError(
    'PROTOCOL_SECRET is not set, and a production server makes up no secret of its own',
    `Set PROTOCOL_SECRET to at least ${SECRET_BYTES_MIN} random bytes (openssl rand -hex 32) or PROTOCOL_SECRET_FILE to a file with them, or configure [[keys]].`,
  );
}

function toKeySettings(key: ConfiguredKey, secret: string, place: number): KeySettings {
  const { certificates, notAfter, rateLimit } = key;
  if (key.namespaces.includes(EVERY_NAMESPACE) && key.namespaces.length > 1) {
    throw new StartupError(`\`keys[${place}].namespaces\` mixes "*" with names`, 'List names, or "*" alone.');
  }
  return {
    id: key.id,
    secret,
    scopes: key.scopes,
    namespaces: key.namespaces,
    ...(certificates.length > 0 && { certificates }),
    // The schema takes no other text; a key that it let through would be one that never expires.
    ...(notAfter === undefined ? {} : { notAfterMs: parseDateTime(notAfter) ?? 0 }),
    ...(rateLimit === undefined ? {} : { rateLimit }),
    ...(key.disabled && { disabled: true }),
  };
}

function checkCertificates(keys: readonly KeySettings[], clientCa: string | undefined): void {
  const place = keys.findIndex(({ certificates }) => certificates !== undefined);
  if (place === -1 || clientCa !== undefined) return;
  throw new StartupError(
    `\`keys[${place}].certificates\` asks for a client certificate, and nobody can show one without \`tls.client_ca\``,
    'Set tls.client_ca, tls.cert and tls.key, or remove keys.certificates.',
  );
}

/** Wire protocol, section 2: one id holds two secrets at most. */
function checkIds(keys: readonly KeySettings[]): void {
  const secretsById = Map.groupBy(keys, (key) => key.id);
  for (const [id, entries] of secretsById) {
    if (entries.length > 2) {
      throw new StartupError(
        `key "${id}" stands ${entries.length} times in \`keys\``,
        'Keep the two secrets of a rotation at most.',
      );
    }
    if (entries.length === 2 && entries[0]?.secret === entries[1]?.secret) {
      throw new StartupError(`key "${id}" stands twice in \`keys\` with the same secret`, 'Remove one of the two.');
    }
  }
}
