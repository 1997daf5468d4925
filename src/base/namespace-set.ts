import { EVERY_NAMESPACE } from './wire-names.ts';

/** What stands for the rest of a name, behind a colon: `team-a:*` is every namespace whose name begins with `team-a:`. */
const REST = ':*';

/** What a key may be given: every namespace, one, or those that begin alike up to a colon. */
export const NAMESPACE_ENTRY = /^(\*|[A-Za-z0-9._:-]{1,128}|[A-Za-z0-9._:-]{1,126}:\*)$/;

/** One namespace, and not several. */
export function isLiteralNamespace(entry: string): boolean {
  return entry !== EVERY_NAMESPACE && !entry.endsWith(REST);
}

/** The namespaces of a key. Looking for one costs no more the more there are. */
export class NamespaceSet {
  readonly entries: readonly string[];
  readonly #known: ReadonlySet<string>;

  /** `entries`: as they are configured, or told in `welcome`. */
  constructor(entries: readonly string[]) {
    this.entries = entries;
    this.#known = new Set(entries);
  }

  get isEvery(): boolean {
    return this.#known.has(EVERY_NAMESPACE);
  }

  /** The names among its entries. */
  get literals(): readonly string[] {
    return this.entries.filter(isLiteralNamespace);
  }

  has(namespace: string): boolean {
    return this.isEvery || this.#known.has(namespace) || this.#hasPrefixOf(namespace);
  }

  /** Whether each namespace of the other is one of this, also those that are still to come. */
  covers({ entries }: NamespaceSet): boolean {
    return this.isEvery || entries.every((entry) => this.#known.has(entry) || this.#hasPrefixOf(entry));
  }

  /** Of a name or of another prefix: what begins with that begins with this, too. */
  #hasPrefixOf(entry: string): boolean {
    for (let at = entry.indexOf(':'); at !== -1; at = entry.indexOf(':', at + 1))
      if (this.#known.has(entry.slice(0, at) + REST)) return true;
    return false;
  }
}
