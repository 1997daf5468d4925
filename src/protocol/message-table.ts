import type { MessageRule } from './message-rule.ts';
import { MESSAGES } from './message-table.generated.ts';
import type { RequestType } from './messages.generated.ts';

type Row = (typeof MESSAGES)[number];

/** The row of one request type, with its literal values: types follow from it. */
export type RuleOf<T extends RequestType> = Extract<Row, { readonly type: T }>;

const rulesByType = new Map<string, MessageRule & { readonly type: RequestType }>(
  MESSAGES.map((rule) => [rule.type, rule]),
);

/** What the table says of a request type; undefined: `UNKNOWN_TYPE`. */
export function messageRule(type: string): (MessageRule & { readonly type: RequestType }) | undefined {
  return rulesByType.get(type);
}

export { MESSAGES };
export type { MessageRule, Reach, ReplyWeight } from './message-rule.ts';
