// The client's side of a request in a thread of its own, so that what the serving thread does is the server's alone.

import { createServer, request as ask } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { parentPort } from 'node:worker_threads';
import { WireClient, Refused } from '../../support/wire-client.ts';
import type { SentRequest } from './request-holds.ts';

const clients = new Map<number, Promise<WireClient>>();

/** The model service behind the gateway, which reads nothing of what it is asked. */
const upstream = createServer((request, response) => {
  request.resume().on('end', () => {
    const message = { role: 'assistant', content: 'I see.' };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ id: 'a', choices: [{ index: 0, message, finish_reason: 'stop' }] }));
  });
});

let ready: SentRequest | null = null;

parentPort?.on('message', (asked: SentRequest | 'send' | 'upstream') => {
  if (asked === 'upstream') {
    const { port } = upstream.address() as AddressInfo;
    parentPort?.postMessage(`http://127.0.0.1:${port}/v1`);
    return;
  }
  if (asked !== 'send') {
    ready = asked;
    parentPort?.postMessage('ready');
    return;
  }
  if (ready === null) throw new Error('there is nothing to send');
  answerTo(ready).then(
    (outcome) => parentPort?.postMessage(outcome),
    (error: unknown) => parentPort?.postMessage(String(error)),
  );
});

async function answerTo(sent: SentRequest): Promise<string> {
  if ('path' in sent) return overHttp(sent);
  const known = clients.get(sent.port) ?? connected(sent);
  clients.set(sent.port, known);
  try {
    await (await known).ask(sent.type, sent.payload);
    return 'ok';
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
}

function connected({ port, credentials, nowMs }: Extract<SentRequest, { type: string }>): Promise<WireClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  return WireClient.over(socket, credentials, () => nowMs);
}

function overHttp({ port, path, headers, body }: Extract<SentRequest, { path: string }>): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = ask({ host: '127.0.0.1', port, method: 'POST', path, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(String(response.statusCode)));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

upstream.listen(0, '127.0.0.1');
