// The memory of a chat loop: every turn is stored, and what a model is about to be asked comes with what it needs to
// know, within a token budget. Start the server (`npm start`), then: npx node examples/chat-memory.ts
import { readFileSync } from 'node:fs';
import { connect, ContextManagerError, type Client } from '../clients/typescript/src/index.ts';

const SESSION = 'chat-7';
const BUDGET_TOKENS = 300;

/** Turns worth knowing for `question`, and why the others were left out. */
async function recall(memory: Client, question: string): Promise<string[]> {
  const answer = await memory.query({
    query: question,
    session_id: SESSION,
    max_tokens: BUDGET_TOKENS,
    priority: 'Recent',
    explain: true,
  });
  const leftOut = answer.receipts?.filter(({ outcome }) => outcome !== 'included').length ?? 0;
  process.stdout.write(`${answer.contexts.length} turns, ${answer.total_tokens} tokens, ${leftOut} left out\n`);
  return answer.contexts.map(({ text }) => text);
}

async function say(memory: Client, speaker: string, text: string): Promise<void> {
  await memory.store({ text: `${speaker}: ${text}`, session_id: SESSION, metadata: { speaker } });
}

const secret = process.env['PROTOCOL_SECRET'] ?? readFileSync('data/secret', 'utf8').trim();
const memory = await connect({ host: '127.0.0.1', port: 7420, keyId: 'default', secret, sender: 'chat-bot' });
try {
  await say(memory, 'Ola', 'I am allergic to peanuts.');
  await say(memory, 'Bot', 'Noted, no peanuts.');
  await say(memory, 'Ola', 'My daughter Kaja turns six on Saturday.');
  const question = 'What should I bake for the birthday?';
  for (const line of await recall(memory, question)) process.stdout.write(`  ${line}\n`);
  await say(memory, 'Ola', question);
} catch (error) {
  if (!(error instanceof ContextManagerError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}${error.retryable ? ' (worth another try)' : ''}\n`);
  process.exitCode = 1;
} finally {
  await memory.close();
}
