import { LineError } from '../line.ts';
import {
  fieldsOf,
  lineOf,
  objectOf,
  textOf,
  timeOf,
  told,
  type Fields,
  type ForeignFormat,
  type ForeignLine,
} from './foreign-format.ts';

const SOURCE = 'zep';

/**
 * What Zep and Graphiti give: facts (`edges`) with the times from which and until which they hold, entities (`nodes`) with
 * their summaries, `episodes`, and the `messages` of threads. In documents with these names, or as arrays or lines of them.
 */
export const zep: ForeignFormat = {
  noun: 'element',
  arrays: {
    edges: 'edge',
    facts: 'fact',
    relevant_facts: 'fact',
    nodes: 'node',
    episodes: 'episode',
    messages: 'message',
  },
  *lines(element, around) {
    if (typeof element === 'string') {
      if (element.trim() !== '')
        yield { content: lineOf(SOURCE, { text: element, sourceId: undefined, metadata: { kind: 'fact' } }) };
      return;
    }
    const fields = fieldsOf(element);
    if (textOf(fields, 'fact') !== undefined) yield factLine(fields);
    else if (textOf(fields, 'content') !== undefined) yield messageLine(fields, around);
    else if ('summary' in fields) yield* nodeLines(fields);
    else throw new LineError('has neither `fact`, nor `content`, nor `summary`');
  },
};

function factLine(edge: Fields): ForeignLine {
  return {
    content: lineOf(SOURCE, {
      text: textOf(edge, 'fact') ?? '',
      sourceId: textOf(edge, 'uuid'),
      createdAtMs: timeOf(edge, 'created_at'),
      validFromMs: timeOf(edge, 'valid_at'),
      // A fact that Zep took back without a moment in the world held until then.
      validUntilMs: timeOf(edge, 'invalid_at', 'expired_at'),
      metadata: {
        kind: 'fact',
        ...told({
          relation: textOf(edge, 'name'),
          source_node_uuid: textOf(edge, 'source_node_uuid'),
          target_node_uuid: textOf(edge, 'target_node_uuid'),
        }),
        ...objectOf(edge['attributes']),
      },
    }),
  };
}

function messageLine(message: Fields, around: Fields): ForeignLine {
  const speaker = textOf(message, 'name') ?? textOf(message, 'role');
  return {
    content: lineOf(SOURCE, {
      text: textOf(message, 'content') ?? '',
      sourceId: textOf(message, 'uuid'),
      sessionId:
        textOf(message, 'thread_id', 'session_id') ?? textOf(around, 'thread_id', 'session_id', 'thread_uuid', 'uuid'),
      createdAtMs: timeOf(message, 'created_at'),
      speaker,
      role: textOf(message, 'role_type', 'role'),
      metadata: { kind: 'message', ...objectOf(message['metadata']) },
    }),
  };
}

/** An entity of which nothing is said is left out. */
function* nodeLines(node: Fields): Generator<ForeignLine> {
  const [name, summary] = [textOf(node, 'name'), textOf(node, 'summary')];
  if (summary === undefined) return;
  yield {
    content: lineOf(SOURCE, {
      text: name === undefined ? summary : `${name}: ${summary}`,
      sourceId: textOf(node, 'uuid'),
      createdAtMs: timeOf(node, 'created_at'),
      metadata: { kind: 'entity', ...told({ entity: name }), ...objectOf(node['attributes']) },
    }),
  };
}
