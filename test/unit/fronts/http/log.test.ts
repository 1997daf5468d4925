import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../src/base/errors.ts';
import { createLog, type LogOptions } from '../../../../src/fronts/http/log.ts';

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

  it('shows an error with its cause and code', () => {
    const error = new CodedError('STORE_UNAVAILABLE', 'the store does not answer', { cause: new Error('disk gone') });
    const line = logged({}, (log) => log.error({ error }, 'request failed'));
    expect(line).toContain('STORE_UNAVAILABLE');
    expect(line).toContain('disk gone');
  });

  it('is read by people in text', () => {
    const line = logged({ format: 'text' }, (log) => log.info({ port: 7420, host: 'a' }, 'listening'));
    expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}listening port=7420 host=a\n$/);
  });
});
