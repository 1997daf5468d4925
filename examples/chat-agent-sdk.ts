// A chat agent that remembers across restarts, over the SDK: the session's window is what the model is sent. Start the server
// (`npm start`), then: OPENAI_API_KEY=... npx node examples/chat-agent-sdk.ts
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import OpenAI from 'openai';
import { connect } from '../clients/typescript/src/index.ts';

const { MODEL = 'gpt-5-mini', PORT = '7420', PROTOCOL_SECRET } = process.env;
const secret = PROTOCOL_SECRET ?? readFileSync('data/secret', 'utf8').trim();
const model = new OpenAI();
const memory = await connect({ host: '127.0.0.1', port: Number(PORT), keyId: 'default', secret, sender: 'chat-agent' });
const session = memory.session('chat-with-ola');

for await (const line of createInterface({ input: process.stdin })) {
  await session.append([{ role: 'user', content: line }]);
  const { messages } = await session.window();
  const prompt = messages.map(({ role, content }) => ({ role, content }) as OpenAI.ChatCompletionMessageParam);
  const { choices } = await model.chat.completions.create({ model: MODEL, messages: prompt });
  const answer = choices[0]?.message.content ?? '';
  await session.append([{ role: 'assistant', content: answer }]);
  process.stdout.write(`${answer}\n`);
}
await memory.close();
