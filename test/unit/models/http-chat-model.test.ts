import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StartupError } from '../../../src/base/errors.ts';
import type { ChatReply } from '../../../src/models/chat-model.ts';
import { createHttpChatModel } from '../../../src/models/http-chat-model.ts';
import { ChatService } from '../../support/chat-service.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { testBackend } from '../../support/test-backend.ts';

const clock = new FakeClock(Date.UTC(2026, 0, 1));
let service: ChatService;

beforeAll(async () => {
  service = await ChatService.start();
});
afterAll(() => service.close());

function ask(url = service.url): Promise<ChatReply> {
  const backend = testBackend();
  const model = createHttpChatModel({ url, model: 'm', apiToken: 'hush', timeoutMs: 60_000, backend, fetch, clock });
  return model.complete({ system: 'be brief', user: 'hello', maxTokens: 8 }, AbortSignal.timeout(60_000));
}

const failureOf = (asking: Promise<unknown>): Promise<unknown> => asking.catch((error: unknown) => error);

describe('a chat service over HTTP', () => {
  it('is asked below its address, whatever ends it, with the token and the query string that it has', async () => {
    service.answer = () => 'hi';
    for (const end of ['', '/', '/chat/completions', '/chat/completions/?api-version=7#there'])
      expect(await ask(service.url + end)).toEqual({ text: 'hi', tokens: 100 });
    const paths = service.asked.map(({ path }) => path);
    expect(paths).toEqual([...Array<string>(3).fill('/v1/chat/completions'), '/v1/chat/completions?api-version=7']);
    expect(new Set(service.asked.map(({ token }) => token))).toEqual(new Set(['Bearer hush']));
  });

  it('without an address is a mistake of the settings', () => {
    expect(() => ask('nowhere')).toThrow(StartupError);
    expect(() => ask('nowhere')).toThrow('`summary.api_url` is not a URL');
  });

  it.each([
    [302, 'summary.api_url'],
    [401, 'summary.api_token'],
    [403, 'summary.api_token'],
    [404, 'summary.api_url or summary.model'],
    [405, 'summary.api_url'],
  ])('that answers %i names the setting to mend', async (status, setting) => {
    service.answer = () => ({ status, headers: { location: '/v1/chat/completions?redirected' } });
    const before = service.asked.length;
    const message = `the service for summaries answered with status ${status}; it will until ${setting} is set right`;
    expect(await failureOf(ask())).toMatchObject({ message, retryable: false });
    expect(service.asked).toHaveLength(before + 1);
  });

  it.each([400, 413, 422])('that answers %i has refused this one request', async (status) => {
    service.answer = () => ({ status });
    expect(await failureOf(ask())).toMatchObject({ code: 'BAD_REQUEST', retryable: false });
  });

  it.each([
    [408, '3', 3_000],
    [425, undefined, undefined],
    [429, 'Thu, 01 Jan 2026 00:00:05 GMT', 5_000],
    [500, 'Wed, 31 Dec 2025 00:00:00 GMT', 0],
    [503, '', undefined],
    [503, 'soon', undefined],
    [503, '0x10', undefined],
  ])('that answers %i with Retry-After: %s is to be left alone for %s ms', async (status, header, expected) => {
    service.answer = () => ({ status, ...(header !== undefined && { headers: { 'retry-after': header } }) });
    const failure = await failureOf(ask());
    expect(failure).toMatchObject({ code: 'OVERLOADED', retryable: true });
    expect(failure).toHaveProperty('retryAfterMs', expected);
  });

  it('is not read to the end where it sends more than a summary has', async () => {
    service.answer = () => ({ raw: 'x'.repeat(2 * 1024 * 1024) });
    const message = 'the service for summaries sent more than was asked for';
    expect(await failureOf(ask())).toMatchObject({ message, retryable: true });
  });
});
