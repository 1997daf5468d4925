import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDERS = ['docs', 'proto-spec', 'clients', 'examples', 'deploy'];
/** Folders that others fill: packages, and what is built. Those with a dot, too, such as Python's environments. */
const NOT_OURS = new Set(['node_modules', 'dist']);
const PAGES = [...readdirSync(ROOT), ...FOLDERS.flatMap(filesIn)].filter((path) => path.endsWith('.md'));

describe('what the pages point to is there', () => {
  it.each(PAGES)('%s', (page) => {
    const missing = linksOf(page).filter((link) => !leadsSomewhere(page, link));
    expect(missing).toEqual([]);
  });

  it('has pages to look at', () => expect(PAGES.length).toBeGreaterThan(15));
});

function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.split(/[\\/]/).some((part) => NOT_OURS.has(part) || part.startsWith('.')))
    .map((path) => join(folder, path));
}

/** Those within the repository. */
function linksOf(page: string): string[] {
  const text = withoutCode(readFileSync(join(ROOT, page), 'utf8'));
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter((link) => !/^[a-z]+:/.test(link));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
  if (relative(ROOT, target).startsWith('..') || !existsSync(target)) return false;
  return anchor === undefined || statSync(target).isDirectory() || anchorsOf(target).includes(anchor);
}

/** As GitHub makes them of headings. */
function anchorsOf(path: string): string[] {
  const headings = withoutCode(readFileSync(path, 'utf8'), /```[^]*?```/g).matchAll(/^#+ +(.*)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function withoutCode(text: string, code = /```[^]*?```|`[^`\n]*`/g): string {
  return text.replace(code, '');
}
