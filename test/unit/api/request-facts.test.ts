import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { LedgerRequest } from '../../../src/api/ledger-request.ts';
import { createOperations } from '../../../src/api/operations.ts';
import { monitoredRequest, slowRequest } from '../../../src/api/request-facts.ts';
import type { BodyMap } from '../../../src/protocol/codec.ts';
import { NAMESPACE_NAME } from '../../../src/base/wire-names.ts';
import { SCHEMAS } from '../../../src/protocol/schemas.generated.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const OPERATIONS = createOperations();
const ENDING = { atMs: 0, type: 'context.get', outcome: 'BAD_REQUEST', tookMs: 1, records: undefined };

function request(type: string, payload: BodyMap): LedgerRequest {
  return {
    operation: OPERATIONS.get(type),
    origin: { door: 'socket', request: 'r'.repeat(30) },
    payload,
    startedMs: 0,
  };
}

function tree(depth: number): unknown {
  return depth === 0 ? 'x'.repeat(64) : [tree(depth - 1), tree(depth - 1), tree(depth - 1)];
}

describe('what is told of a request that was refused', () => {
  it('is short, however its payload is nested', () => {
    const { summary } = monitoredRequest(request('context.get', { id: tree(8), levels: tree(8), limit: 3 }), ENDING);
    expect(summary).toBe('id=?,?,? levels=?,?,? limit=3');
  });

  it('keeps nothing of it in memory', () => {
    const fields = ['id', 'agent_id', 'session_id', 'level', 'levels', 'priority'];
    const told = (): object => {
      const text = Buffer.alloc(1_000_000, 'x').toString();
      const payload = Object.fromEntries(fields.map((name) => [name, [text, tree(8), text]]));
      const all = { ...payload, namespace: text.slice(0, 100), text: text.slice(1) };
      const about = {
        ...request('context.get', all),
        origin: { door: 'socket', request: text.slice(0, 100) } as const,
      };
      return [monitoredRequest(about, ENDING), slowRequest(about, ENDING)];
    };
    const kept = [told()];
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 20; i++) kept.push(told());
    collectGarbage();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000);
    expect(kept).toHaveLength(21);
  });

  it('names namespaces that could be, and no other text', () => {
    const names = ['a\u001b[2J', '', 'x'.repeat(129), 'a b', 'ä', 'a\n', 'support', 'a.b:c_d-1'];
    const contexts = [null, 7, ...names.map((namespace) => ({ namespace }))];
    const { namespaces } = monitoredRequest(request('context.store_batch', { contexts }), ENDING);
    expect(namespaces).toEqual(['support', 'a.b:c_d-1']);
    for (const namespace of names.slice(0, 6)) {
      expect(monitoredRequest(request('context.get', { namespace }), ENDING).namespaces).toEqual([]);
      expect(slowRequest(request('context.get', { namespace }), ENDING).namespaces).toEqual([]);
    }
  });

  it('takes for a name what the schema takes', () => {
    expect(JSON.stringify(SCHEMAS)).toContain(JSON.stringify(NAMESPACE_NAME.source));
  });
});
