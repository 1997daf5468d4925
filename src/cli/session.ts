import { oneLine } from '../base/control-characters.ts';
import { Argument, Option, type Command } from 'commander';
import type { Session } from '../../clients/typescript/src/session.ts';
import type { Session as SessionView, SessionMessage, WindowMessage } from '../protocol/messages.generated.ts';
import { namespaceOption, withClient, withServerOptions, type ClientOptions } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { parseCount, parseShare } from './terminal/option-parsers.ts';
import { countOf, formatTime, renderRows } from './terminal/render.ts';

const ROLES = ['system', 'user', 'assistant', 'tool'] as const;
type Role = (typeof ROLES)[number];

/** Sessions of one reply. */
const PAGE_MAX = 1000;

interface SessionOptions extends ClientOptions {
  readonly maxTokens?: number;
  readonly query?: string;
  readonly recall?: boolean;
  readonly header?: string;
  readonly offloadAt?: number;
  readonly relieveTo?: number;
  readonly rearmAt?: number;
  readonly forget?: boolean;
}

/** `session append|window|list|get|configure|expand|reset` */
export function addSession(program: Command, io: Io): void {
  const session = program
    .command('session')
    .description('Conversations: what to send to a model, always within a budget.')
    .addHelpText(
      'after',
      '\nExamples:\n  context-manager session append trip-42 user "Which flights does Mara like?"\n  context-manager session window trip-42 --json',
    );
  addAppend(session, io);
  addWindow(session, io);
  addList(session, io);
  addConfigure(session, io);
  command(session, 'get', 'Show how full the window is, and its cards.')
    .addHelpText('after', '\nExample:\n  context-manager session get trip-42')
    .action((id: string, options: SessionOptions) => get(id, options, io));
  command(session, 'expand', 'Show the messages that a card stands for.')
    .argument('<card>', 'its id, as get and window tell it')
    .addHelpText('after', '\nExample:\n  context-manager session expand trip-42 0-1f2e3d4c5b6a')
    .action((id: string, card: string, options: SessionOptions) => expand(id, card, options, io));
  command(session, 'reset', 'Empty the window; what was said stays as memory.')
    .option('--forget', 'delete its contexts and cards, too')
    .addHelpText('after', '\nExample:\n  context-manager session reset trip-42')
    .action((id: string, options: SessionOptions) => reset(id, options, io));
}

function command(session: Command, name: string, description: string): Command {
  return scoped(session.command(name).description(description).argument('<session>', 'name of the session'));
}

function scoped(one: Command): Command {
  const agent = new Option('--agent <id>', 'whose it is; default: cli').env('CONTEXT_MANAGER_AGENT');
  return withServerOptions(one).addOption(namespaceOption()).addOption(agent);
}

function addAppend(session: Command, io: Io): void {
  command(session, 'append', 'Append a message.')
    .addArgument(new Argument('<role>', 'who speaks').choices(ROLES))
    .argument('<text>', 'what is said')
    .addHelpText('after', '\nExample:\n  context-manager session append trip-42 user "Which flights does Mara like?"')
    .action((id: string, role: Role, text: string, options: SessionOptions) => append(id, role, text, options, io));
}

function addWindow(session: Command, io: Io): void {
  command(session, 'window', 'Show what to send to a model now.')
    .option('--query <text>', 'what memory is asked for; default: the last user message')
    .addOption(new Option('--max-tokens <n>', 'of all that is sent').argParser(parseCount))
    .option('--no-recall', 'without memory')
    .addHelpText('after', '\nExample:\n  context-manager session window trip-42 --max-tokens 2000')
    .action((id: string, options: SessionOptions) => window(id, options, io));
}

function addList(session: Command, io: Io): void {
  scoped(session.command('list').description('List the sessions that have a window, last used first.'))
    .addOption(new Option('--limit <number>', 'sessions at most').argParser(parseCount).default(20))
    .addHelpText('after', "\nExample:\n  context-manager session list --agent '*'")
    .action((options: SessionOptions & { readonly limit: number }) => list(options, io));
}

function addConfigure(session: Command, io: Io): void {
  command(session, 'configure', 'Set what holds for one session.')
    .option('--header <text>', 'stands before everything else; empty: none')
    .addOption(new Option('--max-tokens <n>', 'of its window').argParser(parseCount))
    .addOption(new Option('--offload-at <share>', 'at which the oldest exchanges leave').argParser(parseShare))
    .addOption(new Option('--relieve-to <share>', 'that stays then').argParser(parseShare))
    .addOption(new Option('--rearm-at <share>', 'below which it is tried again').argParser(parseShare))
    .addHelpText('after', '\nExample:\n  context-manager session configure trip-42 --max-tokens 8000')
    .action((id: string, options: SessionOptions) => configure(id, options, io));
}

function withSession<T>(id: string, options: SessionOptions, io: Io, work: (session: Session) => Promise<T>) {
  const { agent, namespace } = options;
  return withClient(options, io, (client) => work(client.session(id, { agent_id: agent, namespace })));
}

async function append(id: string, role: Role, content: string, options: SessionOptions, io: Io): Promise<void> {
  const reply = await withSession(id, options, io, (session) => session.append({ role, content }));
  if (options.json) return writeJson(io.stdout, reply);
  const { live_tokens: tokens, max_tokens: maxTokens, live_messages: messages } = reply.window;
  const guard =
    reply.guards?.echo === undefined ? '' : `; the same answer as before, ${reply.guards.echo.run} in a row`;
  return io.stdout.write(`${countOf(messages, 'message')}, ${tokens} of ${maxTokens} tokens${guard}\n`);
}

async function window(id: string, options: SessionOptions, io: Io): Promise<void> {
  const { query, maxTokens, recall } = options;
  const request = { query, max_tokens: maxTokens, ...(recall === false && { recall: false as const }) };
  const reply = await withSession(id, options, io, (session) => session.window(request));
  if (options.json) return writeJson(io.stdout, reply);
  const { total } = reply.tokens;
  return io.stdout.write(`${reply.messages.map(renderMessage).join('')}${total} tokens\n`);
}

async function list(options: SessionOptions & { readonly limit: number }, io: Io): Promise<void> {
  const { agent, namespace, limit } = options;
  const sessions = await withClient(options, io, async (client) => {
    const found: SessionView[] = [];
    for await (const one of client.listSessions({ agent_id: agent, namespace, limit: Math.min(limit, PAGE_MAX) })) {
      found.push(one);
      if (found.length === limit) break;
    }
    return found;
  });
  if (options.json) return writeJson(io.stdout, sessions);
  if (sessions.length === 0) return io.stdout.write('no session has a window\n');
  const rows = sessions.map(({ session_id: name, agent_id: agentId, window: fill, used_at: usedAt }) => [
    oneLine(name),
    oneLine(agentId),
    String(fill.live_messages),
    `${fill.live_tokens} of ${fill.max_tokens}`,
    formatTime(usedAt),
  ]);
  return io.stdout.write(renderRows([['session', 'agent', 'messages', 'tokens', 'used'], ...rows]));
}

async function get(id: string, options: SessionOptions, io: Io): Promise<void> {
  const { session, cursor } = await withSession(id, options, io, (one) => one.get());
  if (options.json) return writeJson(io.stdout, { ...session, ...(cursor !== undefined && { cursor }) });
  const { window: fill, cards } = session;
  const rows = [
    ['messages', `${fill.live_messages} live, ${fill.archived_messages} archived`],
    ['tokens', `${fill.live_tokens} of ${fill.max_tokens}`],
    ['used', formatTime(session.used_at)],
    ...cards.map((card) => [card.card_id, `${countOf(card.message_count, 'message')}: ${oneLine(card.summary)}`]),
    ...(cursor === undefined ? [] : [['...', 'and older cards']]),
  ];
  return io.stdout.write(renderRows(rows));
}

async function configure(id: string, options: SessionOptions, io: Io): Promise<void> {
  const { maxTokens, offloadAt, relieveTo, rearmAt, header } = options;
  const request = {
    max_tokens: maxTokens,
    offload_at: offloadAt,
    relieve_to: relieveTo,
    rearm_at: rearmAt,
    header,
  };
  const reply = await withSession(id, options, io, (session) => session.configure(request));
  if (options.json) return writeJson(io.stdout, reply.session);
  return io.stdout.write(`the window of ${oneLine(id)} has ${reply.session.max_tokens} tokens\n`);
}

async function expand(id: string, card: string, options: SessionOptions, io: Io): Promise<void> {
  const messages = await withSession(id, options, io, async (session) => {
    const all: SessionMessage[] = [];
    for await (const message of session.expand(card)) all.push(message);
    return all;
  });
  if (options.json) return writeJson(io.stdout, messages);
  return io.stdout.write(messages.map((message) => renderMessage({ ...message, kind: 'message' })).join(''));
}

async function reset(id: string, options: SessionOptions, io: Io): Promise<void> {
  const reply = await withSession(id, options, io, (session) => session.reset({ forget: options.forget }));
  if (options.json) return writeJson(io.stdout, reply);
  const what = options.forget === true ? countOf(reply.deleted, 'context') : countOf(reply.archived, 'message');
  return io.stdout.write(`${what} ${options.forget === true ? 'deleted' : 'left the window'}\n`);
}

function renderMessage({ role, kind, content, tool_calls: calls = [] }: WindowMessage): string {
  const parts = typeof content === 'string' ? [content] : (content ?? []).map(({ type, text }) => text ?? `(${type})`);
  const said = parts.flatMap((part) => part.split('\n')).map((line) => `  ${oneLine(line)}\n`);
  const called = calls.map((call) => `  ${oneLine(JSON.stringify(call))}\n`);
  return `${role}${kind === 'message' ? '' : ` (${kind})`}:\n${[...said, ...called].join('')}`;
}
