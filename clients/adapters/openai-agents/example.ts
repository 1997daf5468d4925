// A conversation that two processes could share. Start the server (`npm start`), then: npx node clients/adapters/openai-agents/example.ts
// The model here is a stand-in: leave `model` out, and set OPENAI_API_KEY, for one of OpenAI.
import { readFileSync } from 'node:fs';
import { Agent, Runner, Usage, type Model } from '@openai/agents';
// In a project of your own: from '@context-manager/client' and '@context-manager/openai-agents'.
import { connect } from '../../typescript/src/index.ts';
import { ContextManagerSession } from './src/index.ts';

const { PORT = '7420', PROTOCOL_SECRET } = process.env;
const secret = PROTOCOL_SECRET ?? readFileSync('data/secret', 'utf8').trim();
const client = await connect({ host: '127.0.0.1', port: Number(PORT), keyId: 'default', secret });

const model: Model = {
  getResponse({ input }) {
    const text = `I have heard ${typeof input === 'string' ? 1 : input.length} messages.`;
    return Promise.resolve({
      usage: new Usage(),
      output: [{ type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text }] }],
    });
  },
  getStreamedResponse() {
    throw new Error('nobody streams here');
  },
};

const runner = new Runner({ tracingDisabled: true });
const agent = new Agent({ name: 'Travel agent', model });
const sessionId = `trip-${process.pid}`;
for (const input of ['I prefer morning flights', 'Which flights do I like?']) {
  // A new object each time, as in another process.
  const session = new ContextManagerSession({ client, sessionId });
  const { finalOutput } = await runner.run(agent, input, { session });
  process.stdout.write(`${input} -> ${finalOutput}\n`);
}
await new ContextManagerSession({ client, sessionId }).clearSession();
await client.close();
