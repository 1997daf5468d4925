import { LineError } from '../line.ts';
import {
  fieldsOf,
  lineOf,
  objectOf,
  textOf,
  textsOf,
  timeOf,
  told,
  type Fields,
  type ForeignFormat,
  type ForeignLine,
} from './foreign-format.ts';

const SOURCE = 'letta';

/**
 * What Letta gives: agent files (`.af`), archival memories (passages) and messages, as documents or arrays. Of messages what
 * user and agent said to one another.
 */
export const letta: ForeignFormat = {
  noun: 'element',
  arrays: {
    agents: 'agent',
    blocks: 'block',
    core_memory: 'block',
    passages: 'passage',
    archival_memory: 'passage',
    messages: 'message',
  },
  *lines(element, around, key) {
    const fields = fieldsOf(element);
    if (key === 'agents' || Array.isArray(fields['messages'])) yield* agentLines(fields);
    else yield* partLines(fields, textOf(around, 'name', 'id'));
  },
};

/** An agent with all that it has. */
function* agentLines(agent: Fields): Generator<ForeignLine> {
  const agentId = textOf(agent, 'name', 'id');
  for (const [key, noun] of Object.entries(letta.arrays)) {
    const parts = agent[key];
    if (!Array.isArray(parts)) continue;
    for (const [place, part] of parts.entries()) {
      const at = `${noun} ${place + 1}`;
      try {
        for (const { content } of partLines(fieldsOf(part), agentId)) yield { at, content };
      } catch (error) {
        if (!(error instanceof LineError)) throw error;
        yield { at, content: error };
      }
    }
  }
}

function* partLines(part: Fields, agentId: string | undefined): Generator<ForeignLine> {
  if ('label' in part && 'value' in part) yield* blockLines(part, agentId);
  else if ('message_type' in part || 'role' in part) yield* messageLines(part, agentId);
  else if ('text' in part) yield passageLine(part, agentId);
  else throw new LineError('is neither a passage, nor a message, nor a block');
}

function passageLine(passage: Fields, agentId: string | undefined): ForeignLine {
  const text = textOf(passage, 'text');
  if (text === undefined) throw new LineError('field `text` must be text');
  return {
    content: lineOf(SOURCE, {
      text,
      sourceId: textOf(passage, 'id'),
      agentId: agentId ?? textOf(passage, 'agent_id'),
      createdAtMs: timeOf(passage, 'created_at'),
      tags: textsOf(passage['tags']),
      metadata: {
        kind: 'passage',
        ...told({ file_name: textOf(passage, 'file_name') }),
        ...objectOf(passage['metadata'] ?? passage['metadata_']),
      },
    }),
  };
}

/** A block that is empty is left out. */
function* blockLines(block: Fields, agentId: string | undefined): Generator<ForeignLine> {
  const [label, value] = [textOf(block, 'label'), textOf(block, 'value')];
  if (value === undefined) return;
  yield {
    content: lineOf(SOURCE, {
      text: label === undefined ? value : `${label}: ${value}`,
      sourceId: textOf(block, 'id') ?? label,
      agentId,
      createdAtMs: timeOf(block, 'created_at'),
      tags: ['block'],
      metadata: { kind: 'block', ...told({ label }) },
    }),
  };
}

function* messageLines(message: Fields, agentId: string | undefined): Generator<ForeignLine> {
  const role = (textOf(message, 'role') ?? textOf(message, 'message_type') ?? '').replace(/_message$/, '');
  const text =
    role === 'user' ? userText(contentText(message)) : role === 'assistant' ? assistantText(message) : undefined;
  if (text === undefined || text.trim() === '') return;
  yield {
    content: lineOf(SOURCE, {
      text,
      sourceId: textOf(message, 'id'),
      agentId: agentId ?? textOf(message, 'agent_id'),
      sessionId: textOf(message, 'conversation_id', 'group_id'),
      createdAtMs: timeOf(message, 'created_at', 'date'),
      role,
      speaker: textOf(message, 'name'),
      metadata: { kind: 'message' },
    }),
  };
}

function contentText({ content, text }: Fields): string | undefined {
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) {
    const texts = content.map((part: unknown) => textOf(objectOf(part), 'text')).filter((part) => part !== undefined);
    return texts.join('\n');
  }
  return typeof text === 'string' ? text : undefined;
}

/** What a user wrote lies in an envelope of JSON in older agents; others of these are the server's own. */
function userText(text: string | undefined): string | undefined {
  const envelope = text?.startsWith('{') ? parsed(text) : undefined;
  if (envelope === undefined || typeof envelope['type'] !== 'string') return text;
  return envelope['type'] === 'user_message' ? textOf(envelope, 'message') : undefined;
}

/** What an agent says it sends by a tool in older agents; its text is what it thinks. */
function assistantText(message: Fields): string | undefined {
  const calls: readonly unknown[] = Array.isArray(message['tool_calls']) ? message['tool_calls'] : [];
  const sent = calls
    .map((call) => objectOf(objectOf(call)['function']))
    .filter((called) => called['name'] === 'send_message')
    .map((called) => textOf(parsed(textOf(called, 'arguments') ?? '') ?? {}, 'message'));
  const texts = sent.filter((text) => text !== undefined);
  return texts.length > 0 ? texts.join('\n') : calls.length > 0 ? undefined : contentText(message);
}

function parsed(text: string): Fields | undefined {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}
