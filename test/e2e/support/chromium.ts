import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import axeCore, { type AxeResults } from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { build } from 'vite';

const ROOT = join(import.meta.dirname, '../../..');
const PLACES = [
  process.env['CHROMIUM_BIN'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Null: there is no Chromium here. `CHROMIUM_BIN` names one elsewhere. */
export const CHROMIUM = PLACES.find((path) => path !== '' && existsSync(path)) ?? null;

/** The page as its sources are now. */
export async function buildDashboard(): Promise<void> {
  const folder = join(ROOT, 'dashboard');
  const built = join(folder, 'dist/index.html');
  const sources = globSync(['src/**/*.*', 'index.html', 'vite.config.ts'], { cwd: folder });
  const changedMs = Math.max(...sources.map((path) => statSync(join(folder, path)).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs > changedMs) return;
  await build({ configFile: join(folder, 'vite.config.ts'), logLevel: 'warn' });
}

export function openBrowser(): Promise<Browser> {
  // In a container there are no user namespaces to build the sandbox of.
  return chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the browser complained of: errors of scripts, violations of the page's policy, dialogs, requests to elsewhere. */
  readonly complaints: string[];
}

export interface Visitor {
  readonly colorScheme?: 'light' | 'dark';
  readonly width?: number;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A browser of one's own, without anybody's cookies. */
export async function visit(browser: Browser, address: string, visitor: Visitor = {}): Promise<Visit> {
  const { colorScheme = 'light', width = 1280, headers = {} } = visitor;
  const context = await browser.newContext({
    colorScheme,
    viewport: { width, height: 800 },
    extraHTTPHeaders: headers,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith('data:'))
      complaints.push(`request to ${request.url()}`);
  });
  await page.goto(address);
  return { page, context, complaints };
}

/** What axe finds wrong with the page as it is now. */
export async function axe(page: Page): Promise<string[]> {
  await page.evaluate(axeCore.source);
  const { violations } = await page.evaluate<AxeResults>('axe.run(document)');
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
