import { describe, expect, it } from 'vitest';
import { currentScope, inStage, RequestScope } from '../../../src/base/request-scope.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('a request scope', () => {
  it('is known to whatever works for the request, across waiting, and to nothing else', async () => {
    const clock = new FakeClock();
    const scopes = [1, 2].map((request) => new RequestScope(clock, () => ({ request })));
    const seen = await Promise.all(
      scopes.map((scope) =>
        scope.run(async () => {
          await new Promise((resolve) => setImmediate(resolve));
          return currentScope()?.fields;
        }),
      ),
    );
    expect(seen).toEqual([{ request: 1 }, { request: 2 }]);
    expect(currentScope()).toBeUndefined();
  });

  it('adds up how long its stages took, also of those that fail', async () => {
    const clock = new FakeClock();
    const scope = new RequestScope(clock, () => ({}));
    const takes = (ms: number) => () => Promise.resolve(clock.advance(ms));
    await scope.run(async () => {
      await inStage('search', takes(5));
      await inStage('search', takes(7));
      await inStage('write', () => Promise.reject(new Error('full'))).catch(() => clock.advance(1));
    });
    expect(scope.stagesMs).toEqual({ search: 12, write: 0 });
  });

  it('is not needed: a stage of no request is simply done', async () => {
    expect(await inStage('search', () => Promise.resolve(3))).toBe(3);
  });
});
