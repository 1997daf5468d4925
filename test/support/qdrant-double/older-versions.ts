import { formatError } from './qdrant-error.ts';

type Node = { [key: string]: unknown };

/** Fields of request bodies that servers before a version do not know, and so pass over in silence. */
const NEW_FIELDS: readonly (readonly [minor: number, field: string])[] = [
  [16, 'update_filter'],
  [17, 'update_mode'],
];

/** Takes from a body what a server of `version` (`1.12.4`) does not look at; refuses what it cannot read. */
export function forVersion(body: unknown, version: string): void {
  const [major = 1, minor = 18] = version.split('.').map(Number);
  if (major > 1 || minor >= 17) return;
  visit(body, minor);
}

function visit(value: unknown, minor: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    if (typeof value[0] !== 'number') for (const inner of value) visit(inner, minor);
    return;
  }
  const node = value as Node;
  for (const [since, field] of NEW_FIELDS) if (minor < since) delete node[field];
  if (minor < 13 && 'has_vector' in node) {
    throw formatError('Expected some form of condition, which can be a field condition or some other');
  }
  for (const [key, inner] of Object.entries(node)) if (key !== 'payload' && key !== 'vector') visit(inner, minor);
}
