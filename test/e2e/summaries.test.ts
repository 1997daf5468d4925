import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client, Fact, Session } from '../../clients/typescript/src/index.ts';
import type { HealthReport } from '../../src/fronts/http/health.ts';
import { ChatService, type ChatAsked } from '../support/chat-service.ts';
import { runCommand } from './support/command-line.ts';
import { type ServerProcess, type Variables, World } from './support/processes.ts';

const TOKEN = 'token-hunter2-of-summaries';
const world = new World();
let service: ChatService;
let folder: string;
let variables: Variables;
let server: ServerProcess;
let client: Client;
/** What servers that have ended wrote. */
let said = '';

async function start(): Promise<void> {
  server = await world.serve(folder, variables);
  client = await server.connect({ sender: 'tester' });
}

async function stop(): Promise<void> {
  await client.close({ timeoutMs: 0 });
  const { code, stdout, stderr } = await server.end('SIGTERM');
  expect(code).toBe(0);
  said += stdout + stderr;
}

beforeAll(async () => {
  service = await ChatService.start();
  folder = world.folder();
  variables = {
    SUMMARY__PROVIDER: 'http',
    SUMMARY__API_URL: service.url,
    SUMMARY__MODEL: 'writer-1',
    SUMMARY__API_TOKEN: TOKEN,
    SUMMARY__CIRCUIT__FAILURE_THRESHOLD: '2',
    SUMMARY__CIRCUIT__TIMEOUT_SECS: '600',
    LOGGING__LEVEL: 'debug',
  };
  await start();
});
afterAll(async () => {
  service.close();
  await world.cleanUp();
});

/** Long enough that the oldest exchanges leave. */
async function talk(id: string): Promise<Session> {
  const session = client.session(id);
  await session.configure({ max_tokens: 600 });
  for (let i = 0; i < 8; i++) {
    const content = `Turn ${i} of ${id}: parcel ${7000 + i} goes to Mara in Porto. ${'We talked of this and that. '.repeat(8)}`;
    await session.append([
      { role: 'user', content },
      { role: 'assistant', content: `Noted, ${i}.` },
    ]);
  }
  return session;
}

const isOffloading = async (session: Session): Promise<boolean> => (await session.get()).session.window.offloading;

async function summariesOf(session: Session): Promise<string[]> {
  await expect.poll(() => isOffloading(session), { timeout: 60_000, interval: 10 }).toBe(false);
  return (await session.get()).session.cards.map(({ summary }) => summary);
}

interface Part {
  readonly n: number;
  readonly messages: readonly { readonly i: number; readonly text: string }[];
}

const partsOf = ({ user }: ChatAsked): readonly Part[] => (JSON.parse(user) as { parts: Part[] }).parts;

function answer(asked: ChatAsked): string {
  if (asked.user === 'Are you there?') return 'Yes';
  const parts = partsOf(asked);
  const cards = parts.map(({ n, messages }) => ({ n, summary: `By the model: ${messages[0]!.text.split('.')[0]!}.` }));
  const state = { goals: [{ text: 'send parcels to Mara', status: 'open' }] };
  const sources = [parts[0]!.messages[0]!.i];
  const facts = [{ subject: 'Mara', predicate: 'lives in', object: 'Porto', sources }];
  return JSON.stringify({ cards, state, facts });
}

async function health(): Promise<{ status: string; summaries: unknown }> {
  const response = await fetch(`http://127.0.0.1:${server.httpPort}/health`);
  const { status, components } = (await response.json()) as HealthReport;
  return { status, summaries: components['summaries'] };
}

async function doctor(): Promise<{ name: string; ok: boolean; detail: string } | undefined> {
  const { stdout } = await runCommand(server, folder, ['doctor', '--json'], { environment: variables });
  expect(stdout).not.toContain(TOKEN);
  return (JSON.parse(stdout) as { checks: { name: string; ok: boolean; detail: string }[] }).checks.find(
    ({ name }) => name === 'summaries',
  );
}

describe('a server whose cards a model makes', () => {
  it('puts them in the places of the first ones, and keeps state and facts', async () => {
    service.answer = answer;
    const session = await talk('whole');
    const summaries = await summariesOf(session);
    expect(summaries).not.toEqual([]);
    for (const summary of summaries)
      expect(summary).toMatch(
        /^\[Summary of .*\]\nBy the model: Turn \d of whole: parcel 700\d goes to Mara in Porto\.$/,
      );
    const { messages } = await session.window({ max_tokens: 4_000 });
    expect(messages.find(({ kind }) => kind === 'card')?.content).toContain('By the model');
    const block = messages.find(({ kind }) => kind === 'memory')?.content;
    expect(block).toContain('goals: send parcels to Mara (open)');
    const facts: Fact[] = [];
    for await (const fact of client.facts.list({ agent_id: 'tester' })) facts.push(fact);
    expect(facts).not.toEqual([]);
    for (const fact of facts) {
      expect(fact).toMatchObject({ subject: 'Mara', object: 'Porto', metadata: { extracted_by: 'writer-1' } });
      const [source = ''] = fact.source_ids ?? [];
      expect((await client.get({ id: source })).context.text).toContain('goes to Mara in Porto');
    }
    expect(new Set(service.asked.map(({ token }) => token))).toEqual(new Set([`Bearer ${TOKEN}`]));
    expect(await health()).toMatchObject({ summaries: { status: 'healthy', state: 'closed' } });
  });

  it('is told by doctor that the model answers, or which setting keeps it from doing so', async () => {
    service.answer = answer;
    expect(await doctor()).toMatchObject({ ok: true, detail: expect.stringContaining('writer-1 answers') as string });
    service.answer = () => ({ status: 401 });
    const detail = expect.stringContaining('it will until summary.api_token is set right') as string;
    expect(await doctor()).toMatchObject({ ok: false, detail });
  });

  it('goes on after a restart with what the model had not answered, each card once', async () => {
    service.answer = () => null;
    const before = await talk('interrupted');
    expect(await isOffloading(before)).toBe(true);
    await stop();
    const asked = service.asked.length;
    service.answer = answer;
    await start();
    const session = client.session('interrupted');
    await expect
      .poll(async () => (await session.get()).session.cards.every(({ summary }) => summary.includes('By the model')), {
        timeout: 60_000,
        interval: 10,
      })
      .toBe(true);
    const summaries = await summariesOf(session);
    expect(service.asked.slice(asked).flatMap(partsOf)).toHaveLength(summaries.length);
  });

  it('leaves a model alone that goes on failing, until its circuit is reset', async () => {
    service.answer = () => ({ status: 503 });
    // Two failures open it.
    for (const id of ['failing', 'failing again'])
      for (const summary of await summariesOf(await talk(id))) expect(summary).not.toContain('By the model');
    const open = { status: 'degraded', state: 'open' };
    expect(await health()).toMatchObject({ status: 'degraded', summaries: open });
    const asked = service.asked.length;
    service.answer = answer;
    for (const summary of await summariesOf(await talk('left alone'))) expect(summary).not.toContain('By the model');
    expect(service.asked).toHaveLength(asked);
    const reset = await runCommand(server, folder, ['circuit', 'reset', 'summary']);
    expect(reset).toMatchObject({ code: 0, stdout: 'the circuit of summary is closed\n' });
    expect(await health()).toMatchObject({ summaries: { status: 'healthy', state: 'closed' } });
    for (const summary of await summariesOf(await talk('well again'))) expect(summary).toContain('By the model');
  });

  it('writes neither its token nor what was said into its log', async () => {
    await stop();
    expect(said).toContain('cards stay as they are');
    expect(said).toContain('circuit open');
    expect(said).not.toMatch(/hunter2|parcel|Mara/);
  });
});
