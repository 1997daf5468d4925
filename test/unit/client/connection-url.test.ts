import { describe, expect, it } from 'vitest';
import { parseConnectionUrl, withoutUrl } from '../../../clients/typescript/src/connection-url.ts';
import { connect } from '../../../clients/typescript/src/index.ts';

describe('a connection URL', () => {
  it.each([
    ['context-manager://localhost', { addresses: ['localhost:7420'] }],
    ['context-manager://agents@memory.internal:7421/', { keyId: 'agents', addresses: ['memory.internal:7421'] }],
    ['CONTEXT-MANAGER://a:b:c@h', { keyId: 'a', secret: 'b:c', addresses: ['h:7420'] }],
    [
      'context-manager://a%40b:%2F%25%C3%BC@[::1]:1,h',
      { keyId: 'a@b', secret: '/%ü', addresses: ['[::1]:1', 'h:7420'] },
    ],
    ['context-manager://:s@[fe80::1]', { secret: 's', addresses: ['[fe80::1]:7420'] }],
  ])('%s', (url, expected) => {
    expect(parseConnectionUrl(url)).toEqual(expected);
  });

  it.each([
    '',
    'context-manager://',
    'context-manager://key:topsecret@',
    'http://key:topsecret@host:1',
    'context-manager://key:topsecret@host:0',
    'context-manager://key:topsecret@host:70000',
    'context-manager://key:topsecret@host,',
    'context-manager://key:topsecret@::1',
    'context-manager://key:topsecret%zz@host',
    'context-manager://key:topse/cret@host',
    'context-manager://key:topsecret@host/namespace',
    'context-manager://key:topsecret@host?tls=true',
  ])('%j is refused, and the secret is not repeated', async (url) => {
    const refusal = await connect(url).then(String, (error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'BAD_REQUEST', message: expect.stringMatching(/^connect: url /) as string });
    expect((refusal as Error).message).not.toContain('topse');
  });

  it('comes behind what is said beside it, and has no host beside it', () => {
    const url = 'context-manager://a:b@h';
    expect(withoutUrl({ url, keyId: 'c', sender: undefined })).toEqual({
      addresses: ['h:7420'],
      keyId: 'c',
      secret: 'b',
    });
    expect(withoutUrl('context-manager://h')).toEqual({ addresses: ['h:7420'], keyId: 'default' });
    expect(() => withoutUrl({ url, host: 'x' })).toThrow('cannot be given beside host');
  });
});
