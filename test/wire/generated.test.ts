import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generate } from '../../proto-spec/generate.ts';
import { ERROR_TABLE } from '../../src/base/error-table.ts';
import { MESSAGES } from '../../src/protocol/schemas.generated.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

describe('what is generated from proto-spec', () => {
  it('is what is committed', async () => {
    const files = await generate();
    expect(files.size).toBeGreaterThanOrEqual(6);
    for (const [path, content] of files) expect(read(path), `${path} is stale: run npm run generate`).toBe(content);
  });

  it('uses every schema file', () => {
    const ids = new Set(readdirSync(new URL('proto-spec/schemas/', root)));
    for (const { request, reply } of MESSAGES) {
      expect(ids).toContain(request);
      expect(ids).toContain(reply);
    }
    expect(ids.size).toBe(2 * MESSAGES.length + 9);
  });

  it('is what PROTOCOL.md tells: every request and every code', () => {
    const text = read('proto-spec/PROTOCOL.md');
    for (const { type } of MESSAGES) expect(text).toContain(`\`${type}\``);
    for (const code of Object.keys(ERROR_TABLE)) expect(text).toContain(`\`${code}\``);
  });
});
