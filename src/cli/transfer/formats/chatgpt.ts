import { LineError } from '../line.ts';
import {
  fieldsOf,
  lineOf,
  textOf,
  timeOf,
  told,
  type Fields,
  type ForeignFormat,
  type ForeignLine,
} from './foreign-format.ts';

/** `conversations.json` of an export of ChatGPT's data: of each conversation the branch that was last seen. */
export const chatgpt: ForeignFormat = {
  noun: 'conversation',
  arrays: { conversations: 'conversation' },
  *lines(element) {
    const conversation = fieldsOf(element);
    const sessionId = textOf(conversation, 'conversation_id', 'id');
    const title = textOf(conversation, 'title');
    let lastMs = timeOf(conversation, 'create_time') ?? 0;
    // All of it is looked at before the first line leaves: a malformed conversation is left out as a whole.
    const lines: ForeignLine[] = [];
    for (const [place, node] of activeBranch(conversation).entries()) {
      const message = node['message'];
      if (message === null || message === undefined) continue;
      const fields = fieldsOf(message);
      const role = textOf(fieldsOf(fields['author'] ?? {}), 'role');
      const text = shownText(fields, role);
      if (text === undefined) continue;
      // Where a message has no time of its own it follows the one before it.
      lastMs = timeOf(fields, 'create_time') ?? lastMs + 1;
      const sourceId = textOf(fields, 'id');
      const metadata = told({ title });
      lines.push({
        at: `message ${place + 1}`,
        content: lineOf('chatgpt', { text, sourceId, sessionId, createdAtMs: lastMs, role, metadata }),
      });
    }
    yield* lines;
  },
};

/** From the root to `current_node`: what was edited or generated anew stands on other branches. Throws `LineError`. */
function activeBranch(conversation: Fields): Fields[] {
  const mapping = conversation['mapping'];
  if (typeof mapping !== 'object' || mapping === null) throw new LineError('field `mapping` must be an object');
  const nodes = new Map(Object.entries(mapping as Fields));
  const branch: Fields[] = [];
  const seen = new Set<string>();
  for (let id = conversation['current_node']; id !== null && id !== undefined; ) {
    if (typeof id !== 'string' || !nodes.has(id))
      throw new LineError('its branch leads to a node that is not in `mapping`');
    if (seen.has(id)) throw new LineError('its branch leads in a circle');
    seen.add(id);
    const node = fieldsOf(nodes.get(id));
    branch.push(node);
    id = node['parent'];
  }
  if (branch.length === 0 && nodes.size > 0) throw new LineError('has no `current_node`');
  return branch.reverse();
}

/** What was said to one another: no instructions, tools, thoughts, nor what was hidden. Undefined: nothing of it. */
function shownText(message: Fields, role: string | undefined): string | undefined {
  if (role !== 'user' && role !== 'assistant') return undefined;
  if ((message['recipient'] ?? 'all') !== 'all' || message['weight'] === 0) return undefined;
  const metadata = message['metadata'];
  if (typeof metadata === 'object' && metadata !== null && 'is_visually_hidden_from_conversation' in metadata)
    if (metadata.is_visually_hidden_from_conversation === true) return undefined;
  const content = fieldsOf(message['content'] ?? {});
  const type = content['content_type'];
  if (type !== 'text' && type !== 'multimodal_text') return undefined;
  const parts: readonly unknown[] = Array.isArray(content['parts']) ? content['parts'] : [];
  // Pictures and files are no texts; what was said of a recording is.
  const texts = parts.map((part) => (typeof part === 'string' ? part : textOf(objectFields(part), 'text')));
  const text = texts.filter((part) => part !== undefined && part !== '').join('\n');
  return text.trim() === '' ? undefined : text;
}

function objectFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
