import { InvalidArgumentError, Option, type Command } from 'commander';
import { DATE_TIME_FORM, parseDateTime } from '../base/date-time.ts';
import { NAMESPACE_ENTRY } from '../base/namespace-set.ts';
import { DEFAULT_KEY_ID, EVERY_NAMESPACE, SCOPES, type Scope } from '../base/wire-names.ts';
import { withDisabled, withEntry, withoutEntry, type KeyEntry } from '../config/key-blocks.ts';
import { SECRET_VARIABLE } from '../config/secret.ts';
import { openKeyFile, saveKeyFile, type KeyFile, type SaveOptions } from './keys/key-file.ts';
import { listKeys } from './keys/list-keys.ts';
import {
  describeSecret,
  forgetSecret,
  makeSecret,
  PLACES,
  removeSecretOf,
  type NewSecret,
  type Place,
} from './keys/secret-place.ts';
import { jsonOption } from './server/connection.ts';
import { CommandError, usageError } from './terminal/command-error.ts';
import { confirmed } from './terminal/confirm.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { renderRows } from './terminal/render.ts';

interface FileOptions {
  readonly config?: string;
  readonly json?: boolean;
}

interface SecretOptions extends FileOptions {
  readonly store: Place;
  readonly variable?: string;
}

interface CreateOptions extends SecretOptions {
  readonly scopes: readonly Scope[];
  readonly namespaces: readonly string[];
  readonly notAfter?: string;
  readonly rate?: number;
  readonly burst?: number;
}

const HELP = `
Changes [[keys]] in the file with the settings, and nothing else in it: comments stay. A secret is shown once, by the command that
makes it. The server needs the secret itself, as the handshake proves that both sides have it: it is kept in a file that only its
owner can read (data_dir/keys), in a variable of the server, or in the settings. A running server takes changes over on SIGHUP.

Examples:
  context-manager keys create support --scopes read,write --namespaces "support,team-a:*"
  context-manager keys create audit --scopes read --namespaces "*" --not-after 2027-01-31T00:00:00Z --store variable
  context-manager keys list --json
  context-manager keys rotate support
  context-manager keys rotate support --finish
  context-manager keys revoke support --yes`;

const ID = /^[A-Za-z0-9][A-Za-z0-9._@:-]{0,127}$/;
const RELOAD = 'then have the server take it over: kill -HUP <its pid>, or systemctl reload context-manager';
const RESTART = 'start the server again with that variable: it sees no new ones on a reload';

/** `keys create | list | rotate | revoke` */
export function addKeys(program: Command, io: Io): void {
  const keys = program.command('keys').description('Make, see, rotate and revoke keys.').addHelpText('after', HELP);
  withSecretOptions(keys.command('create <id>').description('Make a key, and show its secret once.'))
    .addOption(
      new Option('--scopes <names>', 'what it may do, with commas').argParser(parseScopes).default(['read', 'write']),
    )
    .addOption(
      new Option('--namespaces <names>', 'names, prefixes as team-a:*, or *, with commas')
        .argParser(parseNamespaces)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--not-after <moment>', 'when it ends, with the zone: 2027-01-31T00:00:00Z').argParser(parseEnd),
    )
    .addOption(new Option('--rate <per second>', 'requests a second, in the long run').argParser(parsePositive))
    .addOption(new Option('--burst <count>', 'requests that may come at once').argParser(parsePositive))
    .action((id: string, options: CreateOptions) => create(id, options, io));
  withFileOptions(
    keys.command('list').description('Show keys, where their secrets are, and how much they are used.'),
  ).action((options: FileOptions) => listKeys(openKeyFile(io, options.config), options.json === true, io));
  withSecretOptions(
    keys.command('rotate <id>').description('Give a key a second secret; with --finish, take the first away.'),
  )
    .addOption(new Option('--finish', 'all clients have the second secret'))
    .action((id: string, options: SecretOptions & { readonly finish?: boolean }) =>
      options.finish ? finish(id, options, io) : rotate(id, options, io),
    );
  withFileOptions(keys.command('revoke <id>').description('Switch a key off: it stays in the settings, disabled.'))
    .addOption(new Option('-y, --yes', 'revoke without asking'))
    .action((id: string, options: FileOptions & { readonly yes?: boolean }) => revoke(id, options, io));
}

function withFileOptions(command: Command): Command {
  return command
    .addOption(new Option('--config <file>', 'file with settings, read as CONFIG_PATH is'))
    .addOption(jsonOption())
    .addHelpText('after', HELP);
}

function withSecretOptions(command: Command): Command {
  return withFileOptions(command)
    .addOption(new Option('--store <where>', 'where the server finds the secret').choices(PLACES).default('file'))
    .addOption(new Option('--variable <name>', 'its name, with --store variable (default: made of the id)'));
}

async function create(id: string, options: CreateOptions, io: Io): Promise<void> {
  if (!ID.test(id))
    throw usageError('an id is letters, digits and . _ @ : -, at most 128, and begins with one of the first two');
  const { scopes, namespaces, notAfter, rate, burst } = options;
  if ((rate === undefined) !== (burst === undefined)) throw usageError('--rate and --burst go together');
  const file = openKeyFile(io, options.config);
  if (placesOf(file, id).length > 0 || (file.entries.length === 0 && id === DEFAULT_KEY_ID))
    throw new CommandError(
      `there is a key "${id}" already`,
      'Choose another id, or give it a new secret: keys rotate.',
    );
  const made = await add(io, withDefaultKey(file), options, id, (secret) => ({
    id,
    secret,
    scopes,
    namespaces,
    ...(notAfter !== undefined && { not_after: notAfter }),
    ...(rate !== undefined && burst !== undefined && { rate_limit: { per_second: rate, burst } }),
  }));
  await told(
    io,
    options,
    file,
    { id, scopes, namespaces, ...(notAfter !== undefined && { not_after: notAfter }) },
    made,
  );
}

async function rotate(id: string, options: SecretOptions, io: Io): Promise<void> {
  const file = withDefaultKey(openKeyFile(io, options.config));
  const places = known(file, id);
  const [entry = {}] = places.map((place) => file.entries[place] ?? {});
  if (id === DEFAULT_KEY_ID && (io.environment[SECRET_VARIABLE] || io.environment[`${SECRET_VARIABLE}_FILE`]))
    throw new CommandError(
      `the secret of the key "${id}" comes from ${SECRET_VARIABLE}, which goes before what [[keys]] says`,
      'Change it there, or move the clients over to a key of their own: keys create.',
    );
  if (places.length > 1)
    throw new CommandError(
      `the key "${id}" has two secrets already`,
      `Take the older one away first: keys rotate ${id} --finish`,
    );
  if (entry['disabled'] === true)
    throw new CommandError(
      `the key "${id}" is disabled`,
      `Delete the line disabled = true of it in ${file.path} first.`,
    );
  const made = await add(io, file, options, id, (secret) => ({ ...entry, id, secret }));
  await told(
    io,
    options,
    file,
    { id, secrets: 2 },
    made,
    `give the clients this secret; when all have it: keys rotate ${id} --finish`,
  );
}

async function finish(id: string, options: SecretOptions, io: Io): Promise<void> {
  const file = openKeyFile(io, options.config);
  const [older, newer] = known(file, id);
  if (older === undefined || newer === undefined)
    throw new CommandError(`the key "${id}" has one secret`, `Give it a second one first: keys rotate ${id}`);
  save(io, file, withoutEntry(file.text, older), options, `delete the first entry of ${id}`);
  const entry = file.entries[older] ?? {};
  const removed = removeSecretOf(entry, file.loaded.settings.vectorDb.dataDir);
  const stays = removed === null ? describeSecret(entry, file.loaded.settings.vectorDb.dataDir) : null;
  if (options.json) return writeJson(io.stdout, { id, secrets: 1, config_file: file.path, removed_file: removed });
  const rest = removed === null ? ` (it is still where it was: ${stays})` : ` (${removed} is deleted)`;
  await io.stdout.write(`the older secret of ${id} is taken away${rest}; ${RELOAD}\n`);
}

async function revoke(id: string, options: FileOptions & { readonly yes?: boolean }, io: Io): Promise<void> {
  if (!options.yes && io.isInteractive !== true) throw usageError('nobody can be asked here: confirm with --yes');
  const file = withDefaultKey(openKeyFile(io, options.config));
  const places = known(file, id).filter((place) => file.entries[place]?.['disabled'] !== true);
  const tokens = file.loaded.settings.gateway.tokens.filter(({ keyId }) => keyId === id).length;
  if (places.length > 0) {
    const also = tokens === 0 ? '' : ` and the ${tokens} of its tokens of the gateway`;
    if (!(await confirmed(io, `Revoke the key ${id}${also}?`, options))) throw new CommandError('nothing was revoked');
    const keys = save(
      io,
      file,
      withDisabled(file.text, places),
      options,
      `write disabled = true under [[keys]] of ${id}`,
    );
    if (
      !keys.some(
        ({ disabled, scopes, namespaces }) => !disabled && scopes.includes('admin') && namespaces.includes('*'),
      )
    )
      await io.stderr.write('warning: no key is left that may administer the whole server\n');
  }
  if (options.json)
    return writeJson(io.stdout, {
      id,
      disabled: true,
      changed: places.length > 0,
      gateway_tokens: tokens,
      config_file: file.path,
    });
  const done = places.length > 0 ? `${id} is disabled in ${file.path}` : `${id} was disabled already in ${file.path}`;
  await io.stdout.write(`${done}; ${RELOAD}\nits connections are closed within a second of that\n`);
}

/** With none configured there is the key `default`: it stays when it is no more alone. */
function withDefaultKey(file: KeyFile): KeyFile {
  if (file.entries.length > 0) return file;
  const entry = { id: DEFAULT_KEY_ID, scopes: SCOPES, namespaces: [EVERY_NAMESPACE] };
  const comment = 'The key that there is without any [[keys]]; its secret is PROTOCOL_SECRET, or data_dir/secret.';
  const text = withEntry(file.text, entry, comment);
  if (text === null) throw byHand(file, 'add keys');
  return { ...file, text, entries: [entry], original: file.original ?? file.text };
}

/** Makes a secret and the entry with it; where that fails, nothing of either is left. */
async function add(
  io: Io,
  file: KeyFile,
  options: SecretOptions,
  id: string,
  entryOf: (secret: string) => KeyEntry,
): Promise<NewSecret> {
  if (options.variable !== undefined && options.store !== 'variable')
    throw usageError('--variable goes with --store variable');
  const made = makeSecret(id, options.store, file.loaded.settings.vectorDb.dataDir, options.variable);
  try {
    const { variable, secret } = made;
    const variables = variable === undefined ? {} : { [variable]: secret };
    const text = withEntry(file.text, entryOf(made.value));
    save(io, file, text, { ...options, variables, isPrivate: options.store === 'settings' }, `add an entry of ${id}`);
  } catch (error) {
    forgetSecret(made);
    throw error;
  }
  return Promise.resolve(made);
}

function save(
  io: Io,
  file: KeyFile,
  text: string | null,
  { config, variables, isPrivate }: Partial<SaveOptions>,
  otherwise: string,
): ReturnType<typeof saveKeyFile> {
  if (text === null) throw byHand(file, otherwise);
  return saveKeyFile(io, file, text, {
    config,
    ...(variables !== undefined && { variables }),
    ...(isPrivate !== undefined && { isPrivate }),
  });
}

function byHand({ path }: KeyFile, what: string): CommandError {
  return new CommandError(
    `${path} is written so that it cannot be changed line by line; it is as it was`,
    `Write its keys as [[keys]] blocks, or do it by hand: ${what}.`,
  );
}

/** Where its entries stand, the older first. Throws where there is no such key. */
function known(file: KeyFile, id: string): number[] {
  const places = placesOf(file, id);
  if (places.length > 0) return places;
  const ids = [...new Set(file.entries.map((entry) => String(entry['id'])))];
  throw new CommandError(`there is no key "${id}"`, `There are: ${ids.join(', ')} (${file.path}).`);
}

function placesOf({ entries }: KeyFile, id: string): number[] {
  return entries.flatMap((entry, place) => (entry['id'] === id ? [place] : []));
}

async function told(
  io: Io,
  options: SecretOptions,
  { path: config }: KeyFile,
  about: Readonly<Record<string, unknown>> & { readonly id: string },
  { secret, path, variable }: NewSecret,
  after?: string,
): Promise<void> {
  const next = variable === undefined ? RELOAD : RESTART;
  if (options.json) {
    const where = { ...(path !== undefined && { secret_file: path }), ...(variable !== undefined && { variable }) };
    return writeJson(io.stdout, { ...about, secret, ...where, config_file: config, next });
  }
  const kept = path ?? (variable === undefined ? config : `variable ${variable} of the server: set it yourself`);
  const rows = [
    ['key', about.id],
    ['secret', `${secret} (shown this once)`],
    ['kept in', kept],
    ['settings', config],
    ['next', next],
    ...(after === undefined ? [] : [['', after]]),
  ];
  await io.stdout.write(renderRows(rows));
}

function parseScopes(raw: string): readonly Scope[] {
  const names = parts(raw);
  const unknown = names.find((name) => !SCOPES.some((scope) => scope === name));
  if (unknown !== undefined || names.length === 0)
    throw new InvalidArgumentError(`It must be of ${SCOPES.join(', ')}.`);
  return SCOPES.filter((scope) => names.includes(scope));
}

function parseNamespaces(raw: string): readonly string[] {
  const names = [...new Set(parts(raw))];
  const isBad = names.some((name) => !NAMESPACE_ENTRY.test(name));
  if (names.length === 0 || isBad || (names.includes(EVERY_NAMESPACE) && names.length > 1))
    throw new InvalidArgumentError('It must be names (letters, digits and . _ : -), prefixes as team-a:*, or * alone.');
  return names;
}

function parts(raw: string): string[] {
  return raw
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function parseEnd(raw: string): string {
  if (parseDateTime(raw) === null) throw new InvalidArgumentError(`It must be ${DATE_TIME_FORM}.`);
  return raw;
}

function parsePositive(raw: string): number {
  const number = Number(raw);
  if (raw.trim() === '' || !(number > 0)) throw new InvalidArgumentError('It must be a number above 0.');
  return number;
}
