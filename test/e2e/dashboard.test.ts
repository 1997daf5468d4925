import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { axe, buildDashboard, CHROMIUM, openBrowser, visit, type Visit, type Visitor } from './support/chromium.ts';
import { World, type ServerProcess } from './support/processes.ts';

const SECRETS = {
  operator: 'operator-secret-that-is-long-enough-to-be-one',
  reader: 'reader-secret-that-is-long-enough-to-be-one',
};
const CONFIG = `
[[keys]]
id = "operator"
secret = "${SECRETS.operator}"
namespaces = ["*"]

[[keys]]
id = "reader"
secret = "${SECRETS.reader}"
scopes = ["read"]
namespaces = ["shop"]
`;
const HOSTILE = `<img src=x onerror="window.harmed = 1"><script>window.harmed = 1</script> refund \u202Etxet`;
const TURNS = [
  ['Marta', 'The order number of the damaged espresso machine is HB-48213.'],
  ['Devon', 'Thank you, the replacement machine leaves the warehouse on Thursday.'],
  ['Marta', 'Please write to me by e-mail only, I cannot take calls.'],
  ['Devon', HOSTILE],
] as const;
const MANY = 1_150;

const world = new World();
let folder: string;
let server: ServerProcess;
let browser: Browser;
let here: Visit | null = null;

/** Stands in the report where all of this is skipped. */
const where = CHROMIUM === null ? ' (skipped: no Chromium here; CHROMIUM_BIN names one)' : '';

beforeAll(async () => {
  if (CHROMIUM === null) return;
  await buildDashboard();
  folder = world.folder();
  writeFileSync(join(folder, 'keys.toml'), CONFIG, { mode: 0o600 });
  // It comes back to the same port: nobody else may be given it meanwhile.
  const httpPort = String(await freePort());
  server = await world.serve(folder, { CONFIG_PATH: join(folder, 'keys.toml'), SERVER__HTTP_PORT: httpPort });
  browser = await openBrowser();
  await fill();
});
afterEach(async ({ task }) => {
  const complaints = here?.complaints ?? [];
  // A wait that ran out tells nothing of what was there instead.
  const [error] = task.result?.errors ?? [];
  if (error !== undefined) error.message += `\nthe page: ${await here?.page.innerText('body')}`;
  await here?.context.close();
  here = null;
  expect(complaints).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await world.cleanUp();
});

async function fill(): Promise<void> {
  const client = await server.connect({ keyId: 'operator', secret: SECRETS.operator, sender: 'support' });
  const scope = { namespace: 'shop', session_id: 'damaged-delivery' };
  for (const [i, [speaker, text]] of TURNS.entries()) {
    const more = {
      tags: i === 0 ? ['order'] : [],
      metadata: { speaker, turn: i },
      created_at: Date.now() - 60_000 + i,
    };
    await client.store({ ...scope, ...more, text });
  }
  await client.store({
    namespace: 'shop',
    level: 'long_term',
    text: `The order number of the damaged espresso machine, at length. ${'word '.repeat(900)}`,
  });
  await client.store({ namespace: 'vault', text: 'The code of the vault is ibis' });
  for (let from = 0; from < MANY; from += 575) {
    const contexts = Array.from({ length: 575 }, (_, i) => ({ text: `note ${from + i}`, namespace: 'bulk' }));
    await client.storeBatch({ contexts: contexts.map((each) => ({ ...each, level: 'long_term' as const })) });
  }
  await client.close();
}

async function open(hash = '', visitor: Visitor = {}): Promise<Page> {
  here = await visit(browser, `http://127.0.0.1:${server.httpPort}/`, visitor);
  await goTo(here.page, hash);
  return here.page;
}

async function goTo(page: Page, hash: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
}

async function logIn(page: Page, keyId: keyof typeof SECRETS): Promise<void> {
  await page.getByLabel('Key id').fill(keyId);
  await page.getByLabel('Secret').fill(SECRETS[keyId]);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('button', { name: 'Log out' }).waitFor();
}

async function inside(keyId: keyof typeof SECRETS, hash: string, visitor: Visitor = {}): Promise<Page> {
  const page = await open(hash, visitor);
  await logIn(page, keyId);
  return page;
}

const visible = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();
const contexts = (page: Page) => page.getByRole('listbox', { name: 'Contexts, newest first' });
const panelOf = (page: Page) => page.getByRole('region', { name: 'Context', exact: true });

describe.skipIf(CHROMIUM === null)(`the dashboard${where}`, () => {
  it('shows the figures of the server, and new ones as they come', async () => {
    const page = await inside('operator', '');
    await visible(page, 'vector database');
    const total = async (): Promise<number> =>
      Number((await page.getByText(/ in all$/).innerText()).replace(/\D/g, ''));
    const before = await total();
    const client = await server.connect({ keyId: 'operator', secret: SECRETS.operator });
    await client.stats({});
    await client.close();
    await expect.poll(total).toBeGreaterThan(before);
    expect(await page.getByRole('img', { name: /^Requests per second: requests [\d.]+\/s/ }).count()).toBe(1);
    expect(await page.title()).toBe('Overview · context-manager');
  });

  it('tells that the stream broke, and goes on by itself when there is one again', async () => {
    const page = await inside('operator', '');
    await visible(page, 'Live');
    await page.route('**/api/*', (route) => route.abort('connectionrefused'));
    await page.reload();
    await visible(page, 'The server does not answer.');
    await page.unroute('**/api/*');
    await visible(page, 'Live');
    await page.route('**/api/live', (route) => route.fulfill({ status: 503, json: {} }), { times: 1 });
    await page.reload();
    await visible(page, 'The live figures broke off.');
    await page.getByText('The live figures broke off.').waitFor({ state: 'detached' });
    await visible(page, 'Live');
    const lost = here?.complaints.filter((complaint) => /ERR_CONNECTION|503/.test(complaint)) ?? [];
    expect(here?.complaints).toEqual(lost);
    here?.complaints.splice(0);
  });

  it('tells that the server hangs, whatever it was asked', async () => {
    const page = await inside('operator', '');
    await visible(page, 'Live');
    // Neither answered nor refused.
    await page.route('**/api/overview', () => undefined);
    await page.route('**/api/live', () => undefined);
    await page.reload();
    await visible(page, 'No figures come.');
    await page.unroute('**/api/overview');
    await page.unroute('**/api/live');
    await page.getByRole('button', { name: 'Connect now' }).click();
    await visible(page, 'Live');
  });

  it('tells that the server is away, and asks for a login when there is one again, as it knows none', async () => {
    const port = server.httpPort;
    const page = await inside('operator', '');
    await visible(page, 'Live');
    await server.end('SIGTERM');
    await visible(page, 'The live figures broke off.');
    // What the browser says of a server that is away.
    here?.complaints.splice(0);
    server = await world.serve(folder, {
      CONFIG_PATH: join(folder, 'keys.toml'),
      SERVER__HTTP_PORT: String(port),
    });
    await visible(page, 'Your login has ended.');
    await logIn(page, 'operator');
    await visible(page, 'Live');
    // It says 503 while it starts.
    const lost = here?.complaints.filter((complaint) => /ERR_CONNECTION|401|503/.test(complaint)) ?? [];
    expect(here?.complaints).toEqual(lost);
    here?.complaints.splice(0);
  });

  it('lets in who has a key, tells in words who has not, and out again', async () => {
    const page = await open('#/memory?namespace=shop');
    await visible(page, `127.0.0.1:${server.httpPort}`);
    await page.getByLabel('Key id').fill('operator');
    await page.getByLabel('Secret').fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await visible(page, 'The key id or the secret is wrong, or the key has expired.');
    expect(here?.complaints.splice(0)).toEqual([expect.stringContaining('401')]);
    await page.getByLabel('Secret').fill(SECRETS.operator);
    await expect.poll(() => page.getByRole('button', { name: 'Log in' }).isEnabled()).toBe(true);
    await page.getByRole('button', { name: 'Log in' }).click();
    await contexts(page).waitFor();
    await page.reload();
    await contexts(page).waitFor();
    // That the server is busy ends no login.
    await page.route('**/api/login', (route) => route.fulfill({ status: 503, json: {} }), { times: 1 });
    await page.reload();
    await visible(page, 'The server failed.');
    await contexts(page).waitFor();
    expect(here?.complaints.splice(0)).toEqual([expect.stringContaining('503')]);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
  });

  it('draws what comes while the page is drawn for the first time', async () => {
    const page = await inside('operator', '#/memory?namespace=shop');
    await contexts(page).waitFor();
    const login = await page.evaluate<string>(`fetch('/api/login').then((response) => response.text())`);
    // The server answers at once, and the browser is slow to draw.
    await page.addInitScript(`
      const login = ${JSON.stringify(login)};
      const { fetch, setTimeout } = window;
      window.fetch = (path, ...more) =>
        path === '/api/login' ? Promise.resolve(new Response(login, { status: 200 })) : fetch(path, ...more);
      window.requestAnimationFrame = (draw) => setTimeout(draw, 500);
    `);
    await page.reload();
    await contexts(page).waitFor();
  });

  it('shows nothing without a login, and with any key the figures as they come', async () => {
    const page = await open();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    expect(await page.getByText('vector database').count()).toBe(0);
    await logIn(page, 'reader');
    await visible(page, 'vector database');
    await visible(page, 'Live');
  });

  it('leaves to the next who logs in nothing of what the one before was shown', async () => {
    const page = await inside('operator', '#/lab?namespace=vault&question=code');
    await page.getByRole('button', { name: 'Ask' }).click();
    await visible(page, 'The code of the vault is ibis');
    await page.getByRole('button', { name: 'Log out' }).click();
    await logIn(page, 'reader');
    await visible(page, 'No question asked yet');
    expect(await page.getByText('ibis').count()).toBe(0);
  });

  it('asks for nothing more while it logs out, and goes on where it could not', async () => {
    const page = await inside('operator', '');
    await visible(page, 'Live');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    // The server knows the login no more long before the page hears of it: it ends the stream meanwhile.
    await page.route('**/api/logout', async (route) => {
      const response = await route.fetch();
      await page.waitForTimeout(3_000);
      await route.fulfill({ response });
    });
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    expect(await page.getByText('Your login has ended.').count()).toBe(0);
    expect(asked).toEqual(['/api/logout']);
    await page.unroute('**/api/logout');
    await logIn(page, 'operator');
    await visible(page, 'Live');
    await page.route('**/api/logout', (route) => route.fulfill({ status: 503, json: {} }));
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('button', { name: 'Log out: try again' }).waitFor();
    const again = asked.lastIndexOf('/api/logout');
    await expect.poll(() => asked.slice(again)).toEqual(['/api/logout', '/api/live']);
    await visible(page, 'Live');
    expect(here?.complaints.splice(0)).toEqual([expect.stringContaining('503')]);
  });

  it('shows what is stored as text, whatever it is', async () => {
    const page = await inside('operator', '#/memory?namespace=shop');
    await contexts(page)
      .getByRole('option', { name: /onerror/ })
      .click();
    const panel = panelOf(page);
    await panel.getByText('<img src=x onerror="window.harmed = 1">').first().waitFor();
    await panel.getByText('⟨U+202E⟩txet').first().waitFor();
    await goTo(page, '#/sessions?namespace=shop&session=damaged-delivery');
    await visible(page, '<img src=x onerror');
    await goTo(page, '#/lab?namespace=shop&question=refund');
    await page.getByRole('button', { name: 'Ask' }).click();
    await visible(page, '<img src=x onerror');
    expect(await page.evaluate('typeof window.harmed')).toBe('undefined');
    expect(await page.locator('img').count()).toBe(0);
  });

  it('browses the memory with the keyboard alone', async () => {
    const page = await inside('operator', '#/memory?namespace=shop');
    await contexts(page).waitFor();
    await page.reload();
    await contexts(page).waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    const focused = (): Promise<unknown> => page.evaluate('document.activeElement.getAttribute("role")');
    for (let i = 0; i < 30 && (await focused()) !== 'listbox'; i++) await page.keyboard.press('Tab');
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const panel = panelOf(page);
    await panel.getByText('The order number of the damaged espresso machine is HB-48213.').first().waitFor();
    await panel.getByText('"speaker": "Marta"').waitFor();
    await panel.getByRole('button', { name: /the replacement machine leaves/ }).waitFor();
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'detached' });
    expect(await focused()).toBe('listbox');
  });

  it('filters by tag, metadata and level', async () => {
    const page = await inside('operator', '#/memory?namespace=shop');
    await visible(page, '5 contexts, all of them');
    await page.getByLabel('Tag').fill('order');
    // What is drawn anew as figures arrive takes nothing away from what is being typed.
    await page.waitForTimeout(2_500);
    await page.getByLabel('Tag').press('Enter');
    await visible(page, '1 context, all of them');
    await goTo(page, '#/memory?namespace=shop&metadata=speaker%3DDevon%3B+turn%3D3');
    await visible(page, '1 context, all of them');
    expect(await contexts(page).getByRole('option').allInnerTexts()).toEqual([expect.stringContaining('onerror')]);
    await page.getByLabel('L1').uncheck();
    await visible(page, 'Nothing fits these filters');
    await page.getByRole('button', { name: 'Clear the filters' }).click();
    await visible(page, '5 contexts, all of them');
  });

  it('draws of a long list only what is in sight, and asks for more as it is scrolled', async () => {
    const page = await inside('operator', '#/memory?namespace=bulk');
    const list = contexts(page);
    await visible(page, '100 shown, more as you scroll');
    await expect
      .poll(async () => {
        await list.press('End');
        return page.getByText('1,150 contexts, all of them').count();
      })
      .toBe(1);
    await list.press('End');
    await page.locator('[role=option][aria-posinset="1150"]').waitFor();
    expect(await contexts(page).getByRole('option').count()).toBeLessThan(80);
  });

  it('explains an answer: who is in, who is out and why, and what sets two apart', async () => {
    const page = await inside('operator', '#/lab');
    await page.getByLabel('Question').fill('damaged espresso machine order number');
    await page.getByLabel('Namespace').selectOption('shop');
    await page.getByLabel('Max tokens').fill('60');
    await page.getByRole('button', { name: 'Ask' }).click();
    await visible(page, 'in the answer, no. 1');
    await visible(page, /left out: over budget: 9\d\d tokens did not fit in the \d+ left/);
    expect(await page.getByRole('img', { name: /fill \d+ of 60 tokens/ }).count()).toBe(1);
    const compare = page.getByRole('button', { name: 'Compare', exact: true });
    await compare.first().click();
    await compare.last().click();
    const table = page.getByRole('region', { name: 'The two scores line by line' });
    const rows = await table.getByRole('row').allInnerTexts();
    const numbers = (row: string): number[] =>
      [...row.matchAll(/[-−+]?\d\.\d+/g)].map(([text]) => Number(text.replace('−', '-')));
    const gaps = rows.slice(1, 5).map((row) => numbers(row.replace('±', ''))[3] ?? NaN);
    const total = numbers((rows.find((row) => row.startsWith('score')) ?? '').replace('±', ''));
    // The lines add up to what the scores differ by, but for what rounding takes.
    expect(gaps.reduce((sum, gap) => sum + gap, 0)).toBeCloseTo(total[2] ?? NaN, 2);
    await visible(page, /^The first scores \d\.\d{3} higher, by its similarity/);
  });

  it('sets two queries side by side', async () => {
    const page = await inside('operator', '#/lab');
    await page.getByRole('button', { name: 'Two queries side by side' }).click();
    for (const [name, question] of [
      ['A', 'which order number has the espresso machine?'],
      ['B', 'when does the replacement machine leave?'],
    ] as const) {
      const half = page.getByRole('region', { name: `Query ${name}` });
      await half.getByLabel(`Question ${name}`).fill(question);
      await half.getByLabel('Namespace').selectOption('shop');
      await half.getByLabel('Limit').fill('2');
      await half.getByRole('button', { name: 'Ask' }).click();
      await half.getByText('in the answer, no. 1').waitFor();
    }
    await visible(page, /^\d contexts? in both answers, \d only in A, \d only in B\.$/);
    await visible(page, /^(only in A|in both, in B no\. \d)$/);
  });

  it('gathers sessions, and shows one in the order in which it was said', async () => {
    const page = await inside('operator', '#/sessions?namespace=shop');
    await visible(page, '1 session, gathered from all 5 contexts of the namespace.');
    await page.getByRole('link', { name: 'damaged-delivery' }).click();
    await visible(page, 'HB-48213');
    const turns = await page.getByRole('listitem').allInnerTexts();
    expect(turns.map((turn) => turn.split('\n')[0])).toEqual(TURNS.map(([speaker]) => speaker));
  });

  it('shows an administrator the keys, and no secret', async () => {
    const page = await inside('operator', '#/keys');
    await page.getByRole('row', { name: /reader.*read.*shop/s }).waitFor();
    const text = await page.locator('body').innerText();
    for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
  });

  it('shows a key its namespaces alone', async () => {
    const page = await inside('reader', '#/memory?namespace=vault');
    await contexts(page).waitFor();
    expect(await page.getByLabel('Namespace').locator('option').allInnerTexts()).toEqual(['shop (5)']);
    await goTo(page, '#/keys');
    await visible(page, 'The key "reader" may not see the keys');
    expect(await page.locator('body').innerText()).not.toContain('ibis');
  });
});

describe.skipIf(CHROMIUM === null).each([
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 400 },
] as const)(`axe finds nothing, $colorScheme and $width wide${where}`, (visitor) => {
  it('on what is open to all', async () => {
    const page = await open('', visitor);
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    expect(await axe(page)).toEqual([]);
  });

  it('on each page of who is logged in, and none is wider than the window', async () => {
    const page = await inside('operator', '#/keys', visitor);
    const check = async (name: string): Promise<void> => {
      expect(await axe(page), name).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), name).toBeLessThanOrEqual(0);
    };
    await page.getByRole('row', { name: /reader/ }).waitFor();
    await check('keys');
    await goTo(page, '');
    await visible(page, 'vector database');
    await check('overview');
    await goTo(page, '#/memory?namespace=shop');
    await contexts(page).getByRole('option').nth(1).click();
    await visible(page, 'Around it in the session');
    await check('memory');
    await page.keyboard.press('Escape');
    await goTo(page, '#/sessions?namespace=shop');
    await visible(page, 'damaged-delivery');
    await check('sessions');
    await goTo(page, '#/sessions?namespace=shop&session=damaged-delivery');
    await visible(page, 'HB-48213');
    await check('conversation');
    await goTo(page, '#/lab?namespace=shop&question=espresso');
    await page.getByRole('button', { name: 'Ask' }).click();
    await visible(page, 'in the answer, no. 1');
    await page.getByRole('button', { name: 'More' }).first().click();
    await page.getByRole('button', { name: 'Compare', exact: true }).first().click();
    await page.getByRole('button', { name: 'Compare', exact: true }).first().click();
    await check('lab');
    await page.getByRole('button', { name: /^Theme: system/ }).click();
    await page.getByRole('button', { name: /^Theme: light/ }).click();
    await check('the other theme');
  });
});
