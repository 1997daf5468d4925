import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';

const ROOT = new URL('../../../', import.meta.url);

/** What the blocks take from it. */
const ENVIRONMENT = {
  CONFIG_PATH: '/block.toml',
  OPENAI_API_KEY: 'token',
  EMBEDDING_TOKEN: 'token',
  EMBEDDING_REDIS: 'rediss://:secret@redis.example.com:6379/0',
  QDRANT_API_KEY: 'key',
};

/** By the heading that each stands under. */
function blocksOf(document: string): [heading: string, toml: string][] {
  const text = readFileSync(new URL(document, ROOT), 'utf8');
  return text.split(/^## /m).flatMap((section) => {
    const heading = section.split('\n', 1)[0] ?? '';
    return [...section.matchAll(/```toml\n(.*?)```/gs)].map(([, toml = '']): [string, string] => [heading, toml]);
  });
}

const blocks = blocksOf('docs/embedding.md');

describe('a block of docs/embedding.md', () => {
  it('is there for each service that is named', () => {
    expect(blocks.map(([heading]) => heading)).toEqual(
      expect.arrayContaining(['Ollama', 'OpenAI', 'A model in the process (ONNX)']),
    );
    expect(blocks).toHaveLength(5);
  });

  it.each(blocks)('loads as it stands: %s', (heading, toml) => {
    const { settings, warnings } = loadConfig({
      environment: ENVIRONMENT,
      folder: '/srv',
      files: { read: (path) => (path === '/block.toml' ? toml : null), isFolder: () => false },
    });
    expect(warnings).toEqual([]);
    expect(settings.embedding.provider).toBe(heading.includes('ONNX') ? 'onnx' : 'http');
    expect(settings.embedding.model).toBeDefined();
    expect(toml).toContain(`vector_size = ${settings.vectorDb.vectorSize}`);
  });
});

describe('the blocks of README.md', () => {
  it('are those of docs/embedding.md, for each service that is named', () => {
    const documented = blocks.slice(0, 4).map(([, toml]) => toml);
    const shown = blocksOf('README.md').filter(([, toml]) => toml.includes('[embedding]'));
    expect(shown).toEqual(documented.map((toml) => ['Real embeddings', toml]));
  });
});
