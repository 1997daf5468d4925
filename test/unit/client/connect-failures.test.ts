import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, type ContextManagerError, type HowToConnect } from '../../../clients/typescript/src/index.ts';
import { makeAuthority, makeCertificate, type Certificate } from '../../support/certificates.ts';
import { freePort } from '../../support/free-port.ts';
import { failure } from './open-client.ts';
import { SECRET } from './scripted-server.ts';

// Over real sockets: the words are made of what the system and its TLS library say.

const HOST = '127.0.0.1';
const servers: Server[] = [];
const sockets = new Set<Socket>();
let authority: Certificate;
let local: Certificate;

beforeAll(async () => {
  authority = await makeAuthority();
  local = await makeCertificate(authority, { ip: HOST });
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** The port of a server that does this with whoever comes. */
async function listening(onSocket: (socket: Socket) => void = () => undefined, tls?: TlsOptions): Promise<number> {
  const server = tls === undefined ? createServer(onSocket) : createTlsServer(tls, onSocket);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return (server.address() as AddressInfo).port;
}

async function refused(port: number, options: Partial<HowToConnect> = {}, host = HOST): Promise<ContextManagerError> {
  const error = await failure(connect({ host, port, keyId: 'default', secret: SECRET, timeoutMs: 60_000, ...options }));
  expect(error.message).toContain(`cannot connect to ${host}:${port}: `);
  expect(error.details).toMatchObject({ address: `${host}:${port}` });
  return error;
}

function causeCode({ cause }: ContextManagerError): unknown {
  return (cause as { code?: unknown } | undefined)?.code;
}

describe('why there is no connection', () => {
  it.each([HOST, 'localhost'])('is said where nothing listens: %s', async (host) => {
    const error = await refused(await freePort(), {}, host);
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable: true });
    expect(error.message).toMatch(/: nothing listens there \(ECONNREFUSED\)$/);
    expect(causeCode(error)).toBe('ECONNREFUSED');
  });

  it('is said where no host has the name', async () => {
    const error = await refused(7420, {}, 'no-such-host.invalid');
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable: true });
    expect(error.message).toMatch(/no host has this name \(ENOTFOUND\)|where this host is \(EAI_AGAIN\)/);
    expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(causeCode(error));
  });

  it('is said where somebody listens and says nothing', async () => {
    const error = await refused(await listening(), { connectTimeoutMs: 50 });
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable: true });
    expect(error.message).toContain('did not greet within 50 ms');
    expect(error.message).toContain('TLS');
  });

  it('is said where somebody listens and does not begin TLS', async () => {
    const error = await refused(await listening(), { connectTimeoutMs: 50, tls: true });
    expect(error.message).toContain('did not begin TLS within 50 ms');
  });

  it('is said where the other side hangs up', async () => {
    const error = await refused(await listening((socket) => socket.end()));
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable: true });
    expect(error.message).toContain('closed the connection before it let this client in');
  });

  it.each([
    ['SSH', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['SMTP', '220 mail.example.org ESMTP\r\n'],
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['binary', '\0\0\0\u0004\u0001\u0002\u0003\u0004'],
  ])('is said where something else answers, in %s', async (_what, greeting) => {
    const error = await refused(await listening((socket) => socket.write(greeting)));
    expect(error).toMatchObject({ code: 'PROTOCOL_ERROR', retryable: false });
    expect(error.message).toContain('is not a context-manager server');
    expect(error.cause).toBeInstanceOf(Error);
  });
});

describe('what is wrong with TLS', () => {
  it.each<[string, () => Promise<{ tls?: TlsOptions; trusted?: string }>, RegExp, string]>([
    ['speaks none', () => Promise.resolve({}), /speaks no TLS/, 'ERR_SSL_WRONG_VERSION_NUMBER'],
    [
      'signed its certificate itself',
      async () => ({ tls: await makeCertificate(null, { ip: HOST }) }),
      /signed by itself: tls\.ca/,
      'DEPTH_ZERO_SELF_SIGNED_CERT',
    ],
    [
      'has a certificate of an unknown authority',
      () => Promise.resolve({ tls: local }),
      /an authority that is not known here: tls\.ca/,
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    [
      'has a certificate for another name',
      async () => ({ tls: await makeCertificate(authority, { name: 'elsewhere.test' }), trusted: authority.cert }),
      /for other names: tls\.serverName/,
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    [
      'asks for a certificate of the client',
      () => Promise.resolve({ tls: { ...local, requestCert: true, ca: authority.cert }, trusted: authority.cert }),
      /a certificate of the client that it trusts: tls\.cert and tls\.key/,
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    ],
  ])('is said of a server that %s', async (_what, prepare, words, code) => {
    const { tls, trusted } = await prepare();
    const port = await listening((socket) => socket.write('\0\0\0\u0040'.padEnd(68, '.')), tls);
    const error = await refused(port, { tls: trusted === undefined ? true : { ca: trusted } });
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable: true });
    expect(error.message).toMatch(words);
    expect(error.message).toContain(code);
    expect(causeCode(error)).toBe(code);
  });
});
