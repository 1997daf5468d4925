import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tryUpstreams } from '../../../src/cli/server/upstream-checks.ts';
import { freePort } from '../../support/free-port.ts';
import { DEFAULTS } from '../../support/settings.ts';

const TOKEN = 'sk-of-the-service';
const asked: { readonly url: string; readonly headers: IncomingHttpHeaders }[] = [];
let status = 200;
const service = createServer(({ url = '', headers }, response) => {
  asked.push({ url, headers });
  response.writeHead(headers.authorization === `Bearer ${TOKEN}` ? status : 401).end('{"data":[]}');
});
let url: string;

beforeAll(async () => {
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/v1`;
});
beforeEach(() => {
  asked.length = 0;
  status = 200;
});
afterAll(() => service.close());

type Changes = Partial<(typeof DEFAULTS)['gateway']>;
const look = (changes: Changes): Promise<string> => tryUpstreams({ gateway: { ...DEFAULTS.gateway, ...changes } });

describe('the check of model services behind the gateway', () => {
  it('asks for their models with the token, in either dialect', async () => {
    expect(await look({ upstreamUrl: `${url}/`, upstreamToken: TOKEN })).toMatch(/answers after/);
    expect(asked).toMatchObject([
      { url: '/v1/models', headers: { authorization: `Bearer ${TOKEN}`, 'x-api-key': TOKEN } },
    ]);
  });

  it('says where there is none', async () => {
    expect(await look({})).toMatch(/no model service/);
  });

  it('lets one be that tells no models', async () => {
    status = 404;
    expect(await look({ upstreamUrl: url, upstreamToken: TOKEN })).toMatch(/tells no models/);
  });

  it.each<[string, Changes, RegExp, string]>([
    ['a wrong token', { upstreamToken: 'sk-wrong' }, /refuses the token \(401\)/, 'Correct gateway.upstream_token.'],
    ['no token', {}, /refuses the token/, 'Set gateway.upstream_token.'],
  ])('names the setting, and no token: %s', async (_, changes, message, remedy) => {
    const found = look({ upstreamUrl: url, ...changes });
    await expect(found).rejects.toMatchObject({ message: expect.stringMatching(message) as string, remedy });
    await expect(found).rejects.not.toMatchObject({ message: expect.stringContaining('sk-') as string });
  });

  it('names the token of the gateway whose service or token is wrong', async () => {
    const token = { tokenHash: 'sha256:0', keyId: 'default', agent: 'bot' };
    const wrong = { upstreamUrl: url, upstreamToken: TOKEN, tokens: [token, { ...token, upstreamToken: 'sk-wrong' }] };
    await expect(look(wrong)).rejects.toMatchObject({ remedy: 'Correct gateway.tokens[1].upstream_token.' });
    const away = `http://127.0.0.1:${await freePort()}/v1`;
    await expect(look({ tokens: [{ ...token, upstreamUrl: away }] })).rejects.toMatchObject({
      message: `${away}/models cannot be reached`,
      remedy: 'Start the model service, or correct gateway.tokens[0].upstream_url.',
    });
  });

  it('tells a service that fails', async () => {
    status = 503;
    await expect(look({ upstreamUrl: url, upstreamToken: TOKEN })).rejects.toThrow('answers 503');
  });
});
