import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { generate } from '../../proto-spec/generate.ts';
import { snakeCase } from '../../proto-spec/generator/python-schema.ts';
import { readSpecification } from '../../proto-spec/generator/specification.ts';
import { ERROR_TABLE } from '../../src/base/error-table.ts';
import { CodedError } from '../../src/base/errors.ts';
import { createValidators } from '../../src/protocol/messages.ts';
import { SCHEMAS } from '../../src/protocol/schemas.generated.ts';
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

  it("is what the SDKs' pages tell: every method", () => {
    const text = read('clients/typescript/README.md');
    const python = read('clients/python/README.md');
    for (const { method } of DECLARED) {
      expect(text).toContain(`\`${method}(`);
      expect(python).toContain(`\`${snakeCase(method)}(`);
    }
  });

  it('tells every field in words, with bounds, and with those of what it refers to', () => {
    const types = read('src/protocol/messages.generated.ts');
    const ownAndBounds = /Contexts of a page\. Default: 100\. 1 to 1,000\.\n {3}\*\/\n {2}limit\?: number;/;
    const inherited = /At most 64, each of 1 to 128 characters\.\n {3}\*\/\n {2}tags\?: readonly string\[\];/;
    expect(types).toMatch(ownAndBounds);
    expect(types).toMatch(inherited);
    const undescribed = types
      .split('\n')
      .filter((line, place, lines) => /^\s+\w+\??: /.test(line) && !lines[place - 1]!.endsWith('*/'));
    expect(undescribed).toEqual([]);
  });

  it('are schemas that a server can compile, which it does at their first use', () => {
    const validators = createValidators();
    const ajv = new Ajv();
    for (const each of SCHEMAS as readonly { readonly $id: string }[]) {
      expect(ajv.validateSchema(each), each.$id).toBe(true);
      if (each.$id !== 'common.json')
        expect(() => validators.schema(each.$id, 'no message'), each.$id).toThrow(CodedError);
    }
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
      'the description of a field',
      edited('schemas/context.list.request.json', (text) =>
        text.replace(/"description": "Contexts of a page[^"]*", /, ''),
      ),
      /schemas\/context\.list\.request\.json: ContextListRequest\.limit has no description/,
    ],
    [
      'the description of a field in a shared definition',
      edited('schemas/common.json', (text) => text.replace(/"description": "The final score, by[^"]*", /, '')),
      /schemas\/common\.json: RankedContext\.relevance_score has no description/,
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
