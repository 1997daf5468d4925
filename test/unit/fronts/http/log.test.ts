import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../src/base/errors.ts';
import { RequestScope } from '../../../../src/base/request-scope.ts';
import { createLog, type LogOptions } from '../../../../src/fronts/http/log.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

function logged(options: Partial<LogOptions>, write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog({ level: 'info', format: 'json', ...options }, { write: (line) => lines.push(line) }));
  return lines.join('');
}

describe('the log', () => {
  it('writes one object a line', () => {
    const line = logged({}, (log) => log.child({ connection: 7 }).warn({ code: 'BAD_FRAME' }, 'connection closed'));
    expect(JSON.parse(line)).toMatchObject({
      level: 'warn',
      connection: 7,
      code: 'BAD_FRAME',
      msg: 'connection closed',
    });
    expect(line.endsWith('}\n')).toBe(true);
  });

  it('leaves out what is below its level', () => {
    expect(logged({ level: 'warn' }, (log) => log.info({}, 'quiet'))).toBe('');
    expect(logged({ level: 'silent' }, (log) => log.error({}, 'quiet'))).toBe('');
  });

  it('keeps secrets and texts to itself, should a caller slip', () => {
    const line = logged({}, (log) =>
      log.info(
        { key: { secret: 'hunter2' }, payload: { text: 'hunter2' }, secret: 'hunter2', a: { b: { text: 'hunter2' } } },
        'x',
      ),
    );
    expect(line).not.toContain('hunter2');
    expect(line).toContain('[redacted]');
  });

  it('keeps them to itself however deep they lie, and leaves what is asked for as it was', () => {
    const deep = { a: { b: { c: [{ text: 'hunter2' }] } }, headers: { authorization: 'hunter2' }, count: 3, at: null };
    const line = logged({}, (log) =>
      log.info({ deep, error: Object.assign(new Error('x'), { body: 'hunter2' }) }, 'y'),
    );
    expect(line).not.toContain('hunter2');
    expect(JSON.parse(line)).toMatchObject({ deep: { count: 3, at: null } });
    expect(deep.a.b.c).toEqual([{ text: 'hunter2' }]);
  });

  it.each([
    ['redis://user:hunter2@host:6379/0', 'host:6379'],
    ['rediss://:hunter2@host', 'host'],
    ['https://me:hunter/2@host/v1', 'host/v1'],
    ['https://host/v1?api-key=hunter2&version=7', 'version=7'],
    ['https://host/?access_token=hunter2', 'host'],
    ['Authorization: Bearer hunter2hunter2', 'Authorization'],
    ['the password is correct-horse, is it not', 'is it not'],
  ])('hides what is secret in %s', (words, shown) => {
    const said = (log: ReturnType<typeof createLog>): void => {
      log.warn({ reason: words, error: new Error(words, { cause: new Error(words) }) }, words);
    };
    for (const format of ['json', 'text'] as const) {
      const line = logged({ format, secrets: ['correct-horse', 'is'] }, said);
      expect(line).not.toMatch(/hunter|correct-horse/);
      expect(line).toContain(shown);
    }
  });

  it('leaves stacks and addresses without passwords as they are', () => {
    const words = 'at file:///srv/node_modules/@redis/client/index.js:7:1, https://host:8080/v1';
    expect(logged({}, (log) => log.info({ words }, 'x'))).toContain(words);
  });

  it('says in every line of a request which one it is', () => {
    const scope = new RequestScope(new FakeClock(), () => ({ connection: 3, request: 9, trace_id: 'abc' }));
    const line = logged({}, (log) => scope.run(() => log.child({ part: 'store' }).warn({ code: 'X' }, 'far below')));
    expect(JSON.parse(line)).toMatchObject({ connection: 3, request: 9, trace_id: 'abc', part: 'store', code: 'X' });
  });

  it('has another level from one line to the next', () => {
    const line = logged({ level: 'warn' }, (log) => {
      log.info({}, 'before');
      log.level = 'debug';
      log.debug({}, 'after');
    });
    expect(line).not.toContain('before');
    expect(line).toContain('after');
  });

  it('shows an error with its cause and code', () => {
    const error = new CodedError('STORE_UNAVAILABLE', 'the store does not answer', { cause: new Error('disk gone') });
    const line = logged({}, (log) => log.error({ error }, 'request failed'));
    expect(line).toContain('STORE_UNAVAILABLE');
    expect(line).toContain('disk gone');
  });

  it.each(['text', 'json'] as const)('shows as %s what others sent in one line that steers no terminal', (format) => {
    const key = 'x\n12:00:00.000 info  authenticated\r\u001b[2J\u009b31m\u2028\u202e\u0007';
    const line = logged({ format }, (log) => log.warn({ key, error: new Error(key) }, `failed ${key}`));
    expect(line).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}\u202e]+\n$/u);
    expect(line).toContain(String.raw`x\n12:00:00.000 info  authenticated`);
    if (format === 'json') expect(JSON.parse(line)).toMatchObject({ key });
  });

  it('is read by people in text', () => {
    const line = logged({ format: 'text' }, (log) => log.info({ port: 7420, host: 'a' }, 'listening'));
    expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}listening port=7420 host=a\n$/);
  });
});
