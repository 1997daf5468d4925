import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { escapeControlsInLines } from '../base/control-characters.ts';
import { systemClock } from '../base/clock.ts';
import { systemRandom, uuidV7 } from '../base/random.ts';
import { objectOf, textOr } from '../fronts/gateway/json-values.ts';
import { SECRET_FILE_BYTES_MAX } from '../config/node-files.ts';
import { EventReader } from '../fronts/gateway/sse.ts';
import { jsonOption, loadLocalConfig, reachable } from './server/connection.ts';
import { readNamedFile } from './server/named-file.ts';
import { CommandError } from './terminal/command-error.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { numberedLines } from './transfer/numbered-lines.ts';

interface ChatOptions {
  readonly gateway?: string;
  readonly tokenFile?: string;
  readonly model: string;
  readonly session?: string;
  readonly system?: string;
  readonly json?: boolean;
}

const TOKEN_VARIABLE = 'CONTEXT_MANAGER_GATEWAY_TOKEN';
const EVENT_UNITS_MAX = 4 * 1024 * 1024;
/** Far more than a session keeps of a message. */
const LINE_BYTES_MAX = 4 * 1024 * 1024;

const HELP = `
Each line of standard input is a message, or the one that is given; answers are written as they come. Only the new message is sent:
what was said before is in the session, also after a restart. The token is that of the gateway (context-manager gateway token), in
${TOKEN_VARIABLE} or a file.

Examples:
  context-manager chat --session trip-42
  context-manager chat --session trip-42 "which flights do I like?"
  echo "which flights do I like?" | context-manager chat --session trip-42 --json`;

/** `chat [message]` */
export function addChat(program: Command, io: Io): void {
  program
    .command('chat')
    .description('Talk with a model through a gateway, which remembers.')
    .argument('[message]', 'what to say; without it, what standard input says, line by line')
    .addOption(
      new Option('--gateway <url>', 'address of the gateway (default: that of the local configuration)').env(
        'CONTEXT_MANAGER_GATEWAY',
      ),
    )
    .addOption(
      new Option('--token-file <path>', `file with the token (default: ${TOKEN_VARIABLE})`).env(
        'CONTEXT_MANAGER_GATEWAY_TOKEN_FILE',
      ),
    )
    .addOption(new Option('--model <name>', 'the model').env('CONTEXT_MANAGER_MODEL').default('default'))
    .addOption(new Option('--session <id>', 'the conversation (default: a new one)').env('CONTEXT_MANAGER_SESSION'))
    .addOption(new Option('--system <text>', 'what the model is told first'))
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((message: string | undefined, options: ChatOptions) => chat(message, options, io));
}

async function chat(message: string | undefined, options: ChatOptions, io: Io): Promise<void> {
  const session = options.session ?? `chat-${uuidV7(systemClock.nowMs(), systemRandom)}`;
  const talk = { ...options, session, url: addressOf(options, io), token: tokenOf(options, io) };
  if (message !== undefined) return say(message, talk, io);
  if (io.isInteractive === true) await io.stderr.write(`session ${session}; Ctrl-D ends it\n> `);
  for await (const { number, text } of numberedLines(io.stdin, LINE_BYTES_MAX)) {
    if (typeof text !== 'string') throw new CommandError(`line ${number} ${text.message}`, 'Say it in several.');
    if (text.trim() !== '') await say(text, talk, io);
    if (io.isInteractive === true) await io.stderr.write('> ');
  }
}

interface Talk extends ChatOptions {
  readonly session: string;
  readonly url: string;
  readonly token: string;
}

async function say(message: string, { url, token, session, model, system, json }: Talk, io: Io): Promise<void> {
  const messages = [
    ...(system === undefined ? [] : [{ role: 'system', content: system }]),
    { role: 'user', content: message },
  ];
  const response = await fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      'x-session-id': encodeURIComponent(session.toWellFormed()),
    },
    body: JSON.stringify({ model, stream: true, messages }),
  }).catch((error: unknown) => {
    throw new CommandError(`no gateway answers at ${url}: ${causeOf(error)}`, 'Start it, or correct --gateway.');
  });
  if (!response.ok) throw new CommandError(await refusalOf(response), 'See docs/gateway.md.');
  let answer = '';
  for await (const piece of piecesOf(response)) {
    if (json === true) answer += piece;
    else await io.stdout.write(escapeControlsInLines(piece));
  }
  if (json === true)
    return writeJson(io.stdout, { session_id: session, message, answer, memory: response.headers.get('x-memory') });
  return io.stdout.write('\n');
}

/** What is said, as it comes. Rejects with `CommandError` where the service says that it failed, or breaks off. */
async function* piecesOf(response: Response): AsyncGenerator<string> {
  const pieces: string[] = [];
  let failure: string | null = null;
  const reader = new EventReader(EVENT_UNITS_MAX, ({ event, data }) => {
    const { choices, error } = objectOf(parsed(data));
    if (error !== undefined && error !== null) failure ??= failureIn(error);
    else if (event === 'error') failure ??= failureIn(data);
    const [choice] = Array.isArray(choices) ? (choices as unknown[]) : [];
    pieces.push(textOr(objectOf(objectOf(choice)['delta'])['content']));
  });
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      reader.write(Buffer.from(chunk));
      const piece = pieces.splice(0).join('');
      if (piece !== '') yield piece;
      if (failure !== null) throw new CommandError(`the model's service failed: ${String(failure)}`);
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`the answer broke off: ${causeOf(error)}`, 'What came of it is in the session.');
  }
}

const FAILURE_CHARS_MAX = 500;

function failureIn(error: unknown): string {
  const { message } = objectOf(error);
  const told = typeof message === 'string' ? message : typeof error === 'string' ? error : JSON.stringify(error);
  return escapeControlsInLines(told.slice(0, FAILURE_CHARS_MAX));
}

/** Undefined: it is no JSON, as the last event is. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function addressOf({ gateway }: ChatOptions, io: Io): string {
  if (gateway !== undefined) {
    if (!/^https?:\/\//.test(gateway))
      throw new CommandError('--gateway is no http:// or https:// address', 'Write it as http://127.0.0.1:8090.');
    const plain = gateway.replace(/\/+$/, '');
    return plain.endsWith('/v1') ? plain : `${plain}/v1`;
  }
  const {
    gateway: { host, port },
    tls,
  } = loadLocalConfig(io).settings;
  const name = reachable(host);
  return `${tls.cert !== undefined && tls.http ? 'https' : 'http'}://${name.includes(':') ? `[${name}]` : name}:${port}/v1`;
}

const tokenIn = (path: string): string =>
  readNamedFile(path, SECRET_FILE_BYTES_MAX, 'the token', 'Correct --token-file.').trim();

function tokenOf({ tokenFile }: ChatOptions, { environment, folder }: Io): string {
  const token = tokenFile === undefined ? environment[TOKEN_VARIABLE] : tokenIn(resolve(folder, tokenFile));
  if (token !== undefined && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new CommandError(
    'the token of the gateway is missing',
    `Set ${TOKEN_VARIABLE}, or name a file with --token-file; context-manager gateway token makes one.`,
  );
}

async function refusalOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { message } = objectOf(objectOf(JSON.parse(text))['error']);
    if (typeof message === 'string') return message;
  } catch {
    // What is no JSON is no message for people.
  }
  return `the gateway answered with status ${response.status}`;
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
