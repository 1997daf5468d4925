// A model with memory, and one with tools for it. Start the server (`npm start`), then: npx node clients/adapters/ai-sdk/example.ts
// The model here is a stand-in that repeats its prompt: put any model of the AI SDK in its place.
import { readFileSync } from 'node:fs';
import { generateText, wrapLanguageModel } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
// In a project of your own: from '@context-manager/client' and '@context-manager/ai-sdk'.
import { connect } from '../../typescript/src/index.ts';
import { memoryMiddleware, memoryTools } from './src/index.ts';

const { PORT = '7420', PROTOCOL_SECRET } = process.env;
const secret = PROTOCOL_SECRET ?? readFileSync('data/secret', 'utf8').trim();
const client = await connect({ host: '127.0.0.1', port: Number(PORT), keyId: 'default', secret });

const model = new MockLanguageModelV4({
  doGenerate: ({ prompt }) =>
    Promise.resolve({
      content: [{ type: 'text', text: `I was asked: ${JSON.stringify(prompt.at(-1)?.content)}` }],
      finishReason: { unified: 'stop', raw: undefined },
      usage: {
        inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 1, text: 1, reasoning: 0 },
      },
      warnings: [],
    }),
});

const middleware = memoryMiddleware({ client, sessionId: 'trip-42' });
const remembering = wrapLanguageModel({ model, middleware });
await generateText({ model: remembering, prompt: 'Mara prefers morning flights and an aisle seat.' });
const { text } = await generateText({ model: remembering, prompt: 'Which flights does Mara like?' });
process.stdout.write(`${text}\n`);

const tools = memoryTools({ client });
process.stdout.write(`${Object.keys(tools).join(', ')}\n`);
await client.close();
