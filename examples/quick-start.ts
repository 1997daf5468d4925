// Store what was said, ask for what matters. Start the server (`npm start`), then: npx node examples/quick-start.ts
import { readFileSync } from 'node:fs';
// In a project of your own: import { connect } from '@context-manager/client';
import { connect } from '../clients/typescript/src/index.ts';

const secret = process.env['PROTOCOL_SECRET'] ?? readFileSync('data/secret', 'utf8').trim();
const memory = await connect({ host: '127.0.0.1', port: 7420, keyId: 'default', secret, sender: 'travel-agent' });

await memory.store({
  text: 'Mara prefers morning flights and an aisle seat.',
  session_id: 'trip-42',
  tags: ['preference'],
});
await memory.store({ text: 'The trip to Lisbon begins on 14 May.', session_id: 'trip-42' });

const { contexts, total_tokens: tokens } = await memory.query({
  query: 'which flights does Mara like?',
  max_tokens: 500,
});
for (const context of contexts) process.stdout.write(`${context.relevance_score.toFixed(2)}  ${context.text}\n`);
process.stdout.write(`${tokens} tokens\n`);

await memory.close();
