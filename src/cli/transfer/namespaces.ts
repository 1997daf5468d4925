import { ContextManagerError, type Client } from '../../../clients/typescript/src/index.ts';
import { isLiteralNamespace, NamespaceSet } from '../../base/namespace-set.ts';
import { DEFAULT_NAMESPACE, EVERY_NAMESPACE } from '../../base/wire-names.ts';
import { CommandError, usageError } from '../terminal/command-error.ts';
import { countOf } from '../terminal/render.ts';
import { LineError } from './line.ts';

const NAMES_SHOWN = 10;

/** What is asked of a client here. */
export type NamespaceSource = Pick<Client, 'namespaces' | 'listNamespaces'>;

export interface NamespaceSize {
  readonly namespace: string;
  readonly contexts: number;
}

/** What an export writes, in this order, and what the key sees beside it. */
export interface Selection {
  readonly namespaces: readonly string[];
  /** Namespaces with contexts that nobody asked for; only where the command named none. */
  readonly leftOut: readonly NamespaceSize[];
}

export interface Wanted {
  readonly all: boolean;
  readonly namespace?: string;
  /** Only some contexts are wanted, so that a namespace without any is nothing to wonder about. */
  readonly isNarrowed: boolean;
}

/** The namespaces to export. Throws `CommandError` where the command leaves open which, or would miss everything. */
export async function selectNamespaces(client: NamespaceSource, wanted: Wanted): Promise<Selection> {
  const ofKey = client.namespaces;
  if (wanted.namespace !== undefined) return { namespaces: [wanted.namespace], leftOut: [] };
  if (!ofKey.includes(EVERY_NAMESPACE)) {
    const isLiteral = ofKey.every(isLiteralNamespace);
    if (isLiteral && (wanted.all || ofKey.length === 1)) return { namespaces: ofKey.toSorted(), leftOut: [] };
    if (wanted.all)
      return { namespaces: (await listNamespaces(client))?.map(({ namespace }) => namespace) ?? [], leftOut: [] };
    if (!isLiteral)
      throw usageError(
        `this key has all namespaces of ${namesOf(ofKey)}: choose one with --namespace, or take all with --all`,
      );
    throw usageError(
      `this key has ${ofKey.length} namespaces (${namesOf(ofKey)}): choose one with --namespace, or take all with --all`,
    );
  }
  const found = await listNamespaces(client);
  if (found === undefined) {
    if (!wanted.all) return { namespaces: [DEFAULT_NAMESPACE], leftOut: [] };
    throw new CommandError(
      'this server cannot tell which namespaces it has',
      'Update it, or name each with --namespace.',
    );
  }
  if (wanted.all) return { namespaces: found.map(({ namespace }) => namespace), leftOut: [] };
  const leftOut = found.filter(({ namespace, contexts }) => namespace !== DEFAULT_NAMESPACE && contexts > 0);
  const isEmpty = !found.some(({ namespace, contexts }) => namespace === DEFAULT_NAMESPACE && contexts > 0);
  if (isEmpty && leftOut.length > 0 && !wanted.isNarrowed) throw nothingInDefault(leftOut);
  return { namespaces: [DEFAULT_NAMESPACE], leftOut };
}

export interface ImportNamespaces {
  /** For every line, whatever it names. */
  readonly override?: string;
  /** For lines that name none. */
  readonly fallback?: string;
}

/**
 * Where lines go that name a namespace or none (see `LineDefaults`); what the key may not use is refused for each line,
 * so that it takes no other with it. Throws `CommandError` where that would be every line.
 */
export function namespaceRule(
  ofKey: readonly string[],
  { override, fallback }: ImportNamespaces,
): (named: string | undefined) => string | undefined {
  const ofKeySet = new NamespaceSet(ofKey);
  const mayUse = (namespace: string): boolean => ofKeySet.has(namespace);
  const mustName = ofKey.length > 1 || ofKey.some((entry) => entry !== EVERY_NAMESPACE && !isLiteralNamespace(entry));
  if (override !== undefined && !mayUse(override))
    throw new CommandError(
      `this key may not use the namespace ${override}; it has ${namesOf(ofKey)}`,
      'Name one of these with --namespace, or use another key with --key-id and --secret-file.',
    );
  return (named) => {
    const namespace = override ?? named ?? fallback;
    if (namespace === undefined && mustName)
      throw new LineError(`names no namespace, and this key has ${namesOf(ofKey)}: choose one with --namespace`);
    if (namespace !== undefined && !mayUse(namespace))
      throw new LineError(
        `this key may not use the namespace \`${namespace}\`; it has ${namesOf(ofKey)} (--namespace puts it elsewhere)`,
      );
    return namespace;
  };
}

/** `a (12 contexts), b (1 context)` */
export function describeSizes(sizes: readonly NamespaceSize[]): string {
  return namesOf(sizes.map(({ namespace, contexts }) => `${namespace} (${countOf(contexts, 'context')})`));
}

function namesOf(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function nothingInDefault(others: readonly NamespaceSize[]): CommandError {
  return new CommandError(
    `nothing was exported: the namespace \`${DEFAULT_NAMESPACE}\` is empty, but there ${others.length === 1 ? 'is' : 'are'} ${describeSizes(others)}`,
    '--all exports every namespace, --namespace one of them.',
  );
}

/** Undefined: the server is too old to know. */
async function listNamespaces(client: NamespaceSource): Promise<NamespaceSize[] | undefined> {
  try {
    const { namespaces } = await client.listNamespaces();
    return namespaces
      .map(({ namespace, counts }) => ({ namespace, contexts: counts.total }))
      .sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
  } catch (error) {
    if (error instanceof ContextManagerError && error.code === 'UNKNOWN_TYPE') return undefined;
    throw error;
  }
}
