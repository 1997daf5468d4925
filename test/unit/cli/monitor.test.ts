import { expect, it } from 'vitest';
import { renderer } from '../../../src/cli/monitor.ts';
import { writeJson, type Io } from '../../../src/cli/terminal/io.ts';
import { styleOf } from '../../../src/cli/terminal/style.ts';

const EVIL = 'x\u001b]0;owned\u0007\u001b[2J\r\n\u009b31m\u202e';

it('a line of the monitor steers no terminal, whatever the server says', () => {
  const output = { write: () => Promise.resolve() } as Io['stdout'];
  const line = renderer(styleOf(output, {}))({
    ...{ at: 0, duration_ms: 1, door: 'socket' },
    ...{ key_id: EVIL, address: EVIL, type: EVIL, namespaces: [EVIL, 'b'], summary: EVIL, text: EVIL, outcome: EVIL },
  });
  expect(line).toMatch(/^[^\p{Cc}\u202e]+$/u);
  expect(line).toContain('x ]0;owned [2J');
});

it('neither does JSON, which stays what it was', async () => {
  let written = '';
  await writeJson({ write: (text: string) => Promise.resolve(void (written += text)) }, { a: [EVIL] });
  expect(written.split('\n').join('')).toMatch(/^[^\p{Cc}\u202e]+$/u);
  expect(JSON.parse(written)).toEqual({ a: [EVIL] });
});
