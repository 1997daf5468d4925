// What a model does with the memory tool. Start the server (`npm start`), then: npx node clients/adapters/anthropic-memory/example.ts
// The commands here are a stand-in for a model's: with an API key, anthropic.beta.messages.toolRunner({ tools: [memoryTool({ client })], ... }).
import { readFileSync } from 'node:fs';
// In a project of your own: from '@context-manager/client' and '@context-manager/anthropic-memory'.
import { connect } from '../../typescript/src/index.ts';
import { memoryTool } from './src/index.ts';

const { PORT = '7420', PROTOCOL_SECRET } = process.env;
const secret = PROTOCOL_SECRET ?? readFileSync('data/secret', 'utf8').trim();
const client = await connect({ host: '127.0.0.1', port: Number(PORT), keyId: 'default', secret });

const tool = memoryTool({ client, agentId: 'example' });
const run = async (command: Parameters<typeof tool.run>[0]): Promise<void> => {
  const answer = await tool.run(command);
  process.stdout.write(`${typeof answer === 'string' ? answer : JSON.stringify(answer)}\n\n`);
};

const path = `/memories/travel/${process.pid}.md`;
await run({ command: 'create', path, file_text: '# Mara\nprefers evening flights' });
await run({ command: 'str_replace', path, old_str: 'evening', new_str: 'morning' });
await run({ command: 'view', path: '/memories' });
await run({ command: 'view', path });
await run({ command: 'delete', path });
await client.close();
