// Items that any process shares. Start the server (`npm start`), then: npx node clients/adapters/langgraph/example.ts
import { readFileSync } from 'node:fs';
// In a project of your own: from '@context-manager/client' and '@context-manager/langgraph'.
import { connect } from '../../typescript/src/index.ts';
import { ContextManagerStore } from './src/index.ts';

const { PORT = '7420', PROTOCOL_SECRET } = process.env;
const secret = PROTOCOL_SECRET ?? readFileSync('data/secret', 'utf8').trim();
const client = await connect({ host: '127.0.0.1', port: Number(PORT), keyId: 'default', secret });

// With a graph: builder.compile({ store }), and config.store in its nodes.
const store = new ContextManagerStore({ client, agentId: 'example' });
await store.put(['users', 'mara'], 'flights', { text: 'prefers morning flights', since: 2024 });
await store.put(['users', 'mara'], 'food', { text: 'is allergic to nuts', since: 2019 });
await store.put(['users', 'bob'], 'flights', { text: 'never flies', since: 2020 });

for (const { key, value, score } of await store.search(['users', 'mara'], { query: 'which flights?' }))
  process.stdout.write(`${score?.toFixed(2) ?? '    '}  ${key}: ${JSON.stringify(value)}\n`);
const recent = await store.search(['users'], { filter: { since: { $gte: 2020 } } });
process.stdout.write(`${recent.map(({ namespace }) => namespace.join('/')).join(', ')}\n`);
process.stdout.write(`${JSON.stringify(await store.listNamespaces({ prefix: ['users'] }))}\n`);
await client.close();
