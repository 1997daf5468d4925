import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { generate } from '../../proto-spec/generate.ts';
import { readSpecification } from '../../proto-spec/generator/specification.ts';
import { ERROR_TABLE } from '../../src/base/error-table.ts';
import { createValidators } from '../../src/protocol/messages.ts';
import { DECLARED } from '../support/declared-messages.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

describe('what is generated from proto-spec', () => {
  it('is what is committed', async () => {
    const files = await generate();
    expect(files.size).toBeGreaterThanOrEqual(8);
    for (const [path, content] of files) expect(read(path), `${path} is stale: run npm run generate`).toBe(content);
  });

  it('is what PROTOCOL.md tells: every request and every code', () => {
    const text = read('proto-spec/PROTOCOL.md');
    for (const { type } of DECLARED) expect(text).toContain(`\`${type}\``);
    for (const code of Object.keys(ERROR_TABLE)) expect(text).toContain(`\`${code}\``);
  });

  it("is what the SDK's page tells: every method", () => {
    const text = read('clients/typescript/README.md');
    for (const { method } of DECLARED) expect(text).toContain(`\`${method}(`);
  });

  it('has examples that keep their schemas', () => {
    const validators = createValidators();
    for (const { type, examples } of DECLARED) {
      for (const example of examples) validators.payload(type, structuredClone(example));
    }
  });
});

/** Reads a copy of proto-spec in which something was changed. */
function readingOf(change: (folder: string) => void): () => unknown {
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'spec-'));
    try {
      cpSync(new URL('proto-spec/', root), folder, { recursive: true });
      change(folder);
      return readSpecification(pathToFileURL(`${folder}/`));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

function edited(file: string, edit: (content: string) => string): (folder: string) => void {
  return (folder) => {
    const path = join(folder, file);
    const before = readFileSync(path, 'utf8');
    const after = edit(before);
    expect(after).not.toBe(before);
    writeFileSync(path, after);
  };
}

describe('generation', () => {
  it.each<[string, (folder: string) => void, RegExp]>([
    [
      'a schema of a message',
      (folder) => rmSync(join(folder, 'schemas/context.get.reply.json')),
      /schemas\/context\.get\.reply\.json is missing/,
    ],
    [
      'a schema of an envelope',
      (folder) => rmSync(join(folder, 'schemas/request.json')),
      /schemas\/request\.json is missing/,
    ],
    ['the table of errors', (folder) => rmSync(join(folder, 'errors.json')), /errors\.json is missing/],
    ['the table of messages', (folder) => rmSync(join(folder, 'messages.json')), /messages\.json is missing/],
    [
      'a description',
      edited('messages.json', (text) => text.replace('"description": "How the server is."', '"description": ""')),
      /ping has no description/,
    ],
    [
      'what a reply weighs',
      edited('messages.json', (text) => text.replace('"reply": { "bytes": 0 },', '')),
      /ping does not say what its reply weighs/,
    ],
    [
      'examples, which the isolation tests send',
      edited('schemas/context.get.request.json', (text) => text.replace(/ {2}"examples": .*\n/, '')),
      /context\.get\.request\.json has no examples/,
    ],
    [
      'the namespace of a message whose payload has one',
      edited('messages.json', (text) =>
        text.replace(
          '"type": "context.get", "scope": "read", "namespace": "payload"',
          '"type": "context.get", "scope": "read", "namespace": "none"',
        ),
      ),
      /context\.get: by its schema, namespace must be one of payload, payload_or_all/,
    ],
    [
      'the message of a schema',
      (folder) => writeFileSync(join(folder, 'schemas/made.up.request.json'), '{}'),
      /schemas\/made\.up\.request\.json belongs to no message/,
    ],
    [
      'a method of its own',
      edited('messages.json', (text) => text.replace('"method": "gc"', '"method": "ping"')),
      /two messages have the method ping/,
    ],
  ])('fails where %s is missing, and says so', (_what, change, message) => {
    expect(readingOf(change)).toThrow(message);
  });

  it('works on what is there', () => {
    expect(readingOf(() => undefined)()).toMatchObject({ messages: DECLARED });
  });
});
