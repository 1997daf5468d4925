import { HEADER } from './header.ts';
import type { ErrorRow, Specification } from './specification.ts';

export function errorTable(errors: readonly ErrorRow[]): string {
  const rows = errors.map(
    ({ code, retryable, closes }) => `  ${code}: { retryable: ${retryable}, closes: ${closes} },`,
  );
  return `// Generated from proto-spec/errors.json by \`npm run generate\`; do not edit.

export interface ErrorRule {
  readonly retryable: boolean;
  /** The connection is closed after the reply. */
  readonly closes: boolean;
}

export const ERROR_TABLE = {
${rows.join('\n')}
} as const satisfies Record<string, ErrorRule>;

export type ErrorCode = keyof typeof ERROR_TABLE;
`;
}

/** One row for each request: what gate and SDK must know of it. */
export function messageTable({ messages }: Specification): string {
  const rows = messages.map(({ type, scope, namespace, items, ids_in, repeat, waits, reply, method }) => {
    const rule = { type, scope, namespace, items, ids_in, repeat, waits, reply, method };
    return `  ${JSON.stringify(rule)},`;
  });
  return `${HEADER}import type { MessageRule } from './message-rule.ts';

export const MESSAGES = [
${rows.join('\n')}
] as const satisfies readonly MessageRule[];
`;
}

/** As constants, so that nothing reads files at run time. */
export function schemaData({ schemas }: Specification): string {
  return `${HEADER}
export const SCHEMAS: readonly object[] = [
${schemas.map((schema) => `  ${JSON.stringify(schema)},`).join('\n')}
];
`;
}
