// Walk through everything of a namespace, page by page, and look with a filter. Import the example conversation first:
// npx context-manager import examples/conversation.jsonl; then: npx node examples/list-and-filter.ts
import { readFileSync } from 'node:fs';
import { connect } from '../clients/typescript/src/index.ts';

const secret = process.env['PROTOCOL_SECRET'] ?? readFileSync('data/secret', 'utf8').trim();
const memory = await connect({ host: '127.0.0.1', port: 7420, keyId: 'default', secret, sender: 'auditor' });

// "*" looks at every agent's contexts; without it, only at those of `sender`.
const turnsBySession = new Map<string, number>();
for await (const context of memory.list({ agent_id: '*', limit: 100 })) {
  const session = context.session_id ?? '(none)';
  turnsBySession.set(session, (turnsBySession.get(session) ?? 0) + 1);
}
for (const [session, turns] of turnsBySession) process.stdout.write(`${session}: ${turns} turns\n`);

const september = { gte: Date.UTC(2025, 8, 1), lt: Date.UTC(2025, 9, 1) };
const answer = await memory.query({
  query: 'refund of the second payment',
  agent_id: '*',
  limit: 3,
  filter: {
    must: [
      { key: 'created_at', range: september },
      { key: 'metadata.role', match: { value: 'agent' } },
    ],
  },
});
for (const { text, relevance_score: score } of answer.contexts) process.stdout.write(`${score.toFixed(2)}  ${text}\n`);

await memory.close();
