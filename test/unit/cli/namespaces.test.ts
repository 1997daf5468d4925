import { describe, expect, it } from 'vitest';
import { LineError } from '../../../src/cli/transfer/line.ts';
import { namespaceRule } from '../../../src/cli/transfer/namespaces.ts';

describe('the namespace of an imported line', () => {
  it('is its own, else that of the environment, else the key’s', () => {
    expect(namespaceRule(['*'], {})('a')).toBe('a');
    expect(namespaceRule(['*'], {})(undefined)).toBeUndefined();
    expect(namespaceRule(['a'], {})(undefined)).toBeUndefined();
    expect(namespaceRule(['*'], { fallback: 'b' })(undefined)).toBe('b');
    expect(namespaceRule(['*'], { fallback: 'b' })('a')).toBe('a');
  });

  it('is the one on the command line, whatever the line names', () => {
    expect(namespaceRule(['*'], { override: 'b' })('a')).toBe('b');
    expect(namespaceRule(['b'], { override: 'b' })('a')).toBe('b');
  });

  it('that the key may not use is refused, with those that it has', () => {
    expect(() => namespaceRule(['a', 'b'], {})('c')).toThrow(LineError);
    expect(() => namespaceRule(['a', 'b'], {})('c')).toThrow('may not use the namespace `c`; it has a, b');
    expect(() => namespaceRule(['a'], { override: 'c' })).toThrow('this key may not use the namespace c; it has a');
  });

  it('must be chosen where the key has several', () => {
    expect(() => namespaceRule(['a', 'b'], {})(undefined)).toThrow('choose one with --namespace');
    expect(namespaceRule(['a', 'b'], { fallback: 'b' })(undefined)).toBe('b');
  });
});
