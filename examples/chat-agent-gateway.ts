// A chat agent that remembers across restarts, over the gateway: it sends the new message alone. Start a server with a gateway
// (docs/gateway.md), then: GATEWAY_TOKEN=cmg_... npx node examples/chat-agent-gateway.ts
import { createInterface } from 'node:readline/promises';
import OpenAI from 'openai';

const { GATEWAY_URL = 'http://127.0.0.1:8090/v1', GATEWAY_TOKEN = '', MODEL = 'default' } = process.env;
const client = new OpenAI({
  baseURL: GATEWAY_URL,
  apiKey: GATEWAY_TOKEN,
  defaultHeaders: { 'x-session-id': 'chat-with-ola' },
});

for await (const line of createInterface({ input: process.stdin })) {
  const stream = await client.chat.completions.create({
    model: MODEL,
    stream: true,
    messages: [{ role: 'user', content: line }],
  });
  for await (const { choices } of stream) process.stdout.write(choices[0]?.delta.content ?? '');
  process.stdout.write('\n');
}
