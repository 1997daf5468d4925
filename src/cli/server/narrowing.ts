import { Option, type Command } from 'commander';
import type { JsonObject } from '../../base/context.ts';
import { collect, parseObject } from '../terminal/option-parsers.ts';
import { parseMoment } from '../terminal/time-parsers.ts';

/** Options that say which contexts, beside their agent, session and level. */
export interface NarrowingOptions {
  readonly filter?: JsonObject;
  readonly tag?: readonly string[];
  readonly since?: number;
  readonly before?: number;
}

export function withNarrowingOptions(command: Command): Command {
  return command
    .addOption(new Option('--tag <tag>', 'only with this tag; given several times: with each').argParser(collect))
    .addOption(new Option('--since <when>', 'only from then on: 7d (ago), 2027-01-31').argParser(parseMoment))
    .addOption(new Option('--before <when>', 'only from before then: 1h (ago), 2027-01-31').argParser(parseMoment))
    .addOption(new Option('--filter <json>', 'filter, as in the wire protocol').argParser(parseObject));
}

/** All of them as one filter of the wire protocol; undefined: none was given. */
export function filterOf(options: NarrowingOptions): JsonObject | undefined {
  const { filter, tag = [], since, before } = options;
  const must: JsonObject[] = tag.map((value) => ({ key: 'tags', match: { value } }));
  const range = { ...(since !== undefined && { gte: since }), ...(before !== undefined && { lt: before }) };
  if (Object.keys(range).length > 0) must.push({ key: 'created_at', range });
  if (must.length === 0) return filter;
  return { must: filter === undefined ? must : [filter, ...must] };
}
