// Facts as statements of Cypher, as Neo4j reads them: names are nodes, facts are relationships.

import { createHash } from 'node:crypto';
import { foldName } from '../../base/text/names.ts';
import type { Fact } from '../../protocol/messages.generated.ts';

/** Before the facts: without an index each name would be looked for among all nodes. */
export const CYPHER_HEAD =
  'CREATE CONSTRAINT entity_key IF NOT EXISTS FOR (e:Entity) REQUIRE (e.namespace, e.key) IS UNIQUE;\n';

/** Longer keys do not fit into an index of Neo4j. */
const KEY_CHARS_MAX = 512;

/** One statement in one line. Running it again changes nothing, or brings the relationship up to date. */
export function toCypher(fact: Fact): string {
  const [subject, object] = [nodeOf('s', fact.namespace, fact.subject), nodeOf('o', fact.namespace, fact.object)];
  const relation = `MERGE (s)-[f:\`${typeOf(fact.predicate)}\` {id: ${literal(fact.id)}}]->(o)`;
  return `${subject} ${object} ${relation} SET f = {${propertiesOf(fact).join(', ')}};\n`;
}

/** Those of names that compare equal are one node; it is named as it was spelled first. */
function nodeOf(variable: string, namespace: string, name: string): string {
  const folded = foldName(name);
  const key = folded.length <= KEY_CHARS_MAX ? folded : `sha256:${createHash('sha256').update(folded).digest('hex')}`;
  const identity = `{namespace: ${literal(namespace)}, key: ${literal(key)}}`;
  return `MERGE (${variable}:Entity ${identity}) ON CREATE SET ${variable}.name = ${literal(name)}`;
}

/** `lives in`: `LIVES_IN`. Letters, digits and low lines alone: nothing in it could end the name. */
function typeOf(predicate: string): string {
  const words = foldName(predicate).match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return words.length === 0 ? 'FACT' : words.join('_').toUpperCase();
}

function propertiesOf(fact: Fact): string[] {
  const properties: Record<string, string> = {
    id: literal(fact.id),
    namespace: literal(fact.namespace),
    agent_id: literal(fact.agent_id),
    predicate: literal(fact.predicate),
    valid_from: moment(fact.valid_from),
    recorded_at: moment(fact.recorded_at),
    single_valued: String(fact.single_valued),
  };
  if (fact.valid_until !== undefined) properties['valid_until'] = moment(fact.valid_until);
  if (fact.superseded_by !== undefined) properties['superseded_by'] = literal(fact.superseded_by);
  if (fact.confidence !== undefined) properties['confidence'] = decimal(fact.confidence);
  if (fact.source_ids.length > 0) properties['source_ids'] = `[${fact.source_ids.map(literal).join(', ')}]`;
  // A property of Neo4j is no map.
  if (Object.keys(fact.metadata).length > 0) properties['metadata'] = literal(JSON.stringify(fact.metadata));
  return Object.entries(properties).map(([name, value]) => `${name}: ${value}`);
}

function moment(timeMs: number): string {
  return `datetime({epochMillis: ${timeMs}})`;
}

/** A number with a point: confidences of 1 and of 0.5 are of one type. */
function decimal(value: number): string {
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ['\\', '\\\\'],
  ["'", "\\'"],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** A string on one line, whatever stands in it. */
function literal(text: string): string {
  // What is no character by itself no database can keep.
  const escaped = text.toWellFormed().replaceAll(/[\\'\p{Cc}\p{Zl}\p{Zp}]/gu, (character) => {
    return SHORT.get(character) ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `'${escaped}'`;
}
