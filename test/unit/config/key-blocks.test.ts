import { describe, expect, it } from 'vitest';
import { parse } from 'smol-toml';
import { keyEntries, withDisabled, withEntry, withoutEntry } from '../../../src/config/key-blocks.ts';

const FILE = `# of the operator
[server] # where
port = 7420
[[keys]] # one
id = "a" # who
secret = """of several
[[keys]] # no header, no comment
lines""" # where it is
namespaces = [ # several
  "x", # the first
  "y#z:*",
]
  # a last word on a

# about b
[[ "keys" ]]
id = 'b # not a comment'
disabled = false # for now
secret = "\${B}"
[keys.rate_limit] # of b
per_second = 1
burst = 2
# about the log
[logging]
level = "info"
`;
const comments = (text: string): string[] =>
  [...text.matchAll(/# (?!not|no header)[a-z ]+/g)].map(([found]) => found.trim()).sort();

describe('an entry of keys', () => {
  it.each(['\n', '\r\n'])('is added behind all others, with everything else as it was (%j)', (end) => {
    const before = FILE.replaceAll('\n', end);
    const entry = { id: 'c"\\', secret: '${file:/a b/c}', scopes: ['read'], rate_limit: { per_second: 0.5, burst: 1 } };
    const after = withEntry(before, entry)!;
    expect(after.startsWith(before)).toBe(true);
    expect(keyEntries(after).slice(2)).toEqual([entry]);
    if (end === '\r\n') expect(after.replaceAll('\r\n', '')).not.toContain('\n');
    expect(keyEntries(withEntry('', entry)!)).toEqual([entry]);
    expect(keyEntries(withEntry('[server]\nport = 1', entry, 'why')!)).toEqual([entry]);
  });

  it('is switched off where it stands', () => {
    const after = withDisabled(FILE, [0, 1])!;
    expect(keyEntries(after).map(({ id, disabled }) => [id, disabled])).toEqual([
      ['a', true],
      ['b # not a comment', true],
    ]);
    expect(after).toContain('[[keys]] # one\ndisabled = true\n');
    expect(after).toContain('disabled = true # for now\n');
    expect(comments(after)).toEqual(comments(FILE));
    expect(keyEntries(withDisabled('[[keys]]', [0])!)).toEqual([{ disabled: true }]);
  });

  it.each([0, 1])('%i is taken away, and no comment with it', (place) => {
    const after = withoutEntry(FILE, place)!;
    expect(keyEntries(after)).toEqual(keyEntries(FILE).filter((_, at) => at !== place));
    expect(comments(after)).toEqual(comments(FILE));
    expect(parse(after)).toMatchObject({ server: { port: 7420 }, logging: { level: 'info' } });
  });

  it.each([
    ['keys = [{ id = "a" }]\n'],
    ['[server]\nport = 1\n[[keys]]\nid = "a"\nkeys.x = 1\n[a]\nb = [[1]]\n[["k\\u0065ys"]]\nid = "b"\n'],
  ])('of another form is left alone: %j', (text) => {
    const count = keyEntries(text).length;
    expect(withDisabled(text, [count - 1])).toBeNull();
    expect(withoutEntry(text, count - 1)).toBeNull();
  });

  it('cannot be added to a list in one value', () => {
    expect(withEntry('keys = [{ id = "a" }]\n', { id: 'b' })).toBeNull();
  });
});
