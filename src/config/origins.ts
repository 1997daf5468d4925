import { isTree, pathText, type SettingPath } from './tree.ts';

/** Where a value was written. */
export interface Origin {
  readonly source: 'file' | 'environment';
  /** The file's path, or the variable's name. */
  readonly name: string;
  /** The name that was written, where it is not the setting's own: `embedding.timeout_ms`. */
  readonly alias?: string;
  /** Environment variables that the file's value takes, as in `"${NAME}"`. */
  readonly variables?: readonly string[];
  /** The setting that this one follows, as it is not written itself. */
  readonly follows?: string;
}

/** Where every setting that has been written was written last. */
export class Origins {
  readonly #known = new Map<string, Origin>();

  /** Of a value, or of a table around values. */
  of(path: SettingPath): Origin | undefined {
    return this.#known.get(pathText(path));
  }

  /** A value with all that is in it. `originAt` says more of a place in it than `origin` does. */
  note(path: SettingPath, value: unknown, origin: Origin, originAt?: (path: SettingPath) => Origin | undefined): void {
    // A list replaces what stood there before, whole.
    if (Array.isArray(value)) this.#forgetItems(pathText(path));
    if (path.length > 0) this.#known.set(pathText(path), originAt?.(path) ?? origin);
    const inside = Array.isArray(value) ? [...value.entries()] : isTree(value) ? Object.entries(value) : [];
    for (const [name, child] of inside) this.note([...path, name], child, origin, originAt);
  }

  #forgetItems(list: string): void {
    for (const known of this.#known.keys()) if (known.startsWith(`${list}[`)) this.#known.delete(known);
  }

  /** Where the setting, or the nearest table around it, was written, for a message; empty for nowhere. */
  describe(path: SettingPath): string {
    for (let length = path.length; length > 0; length--) {
      const here = path.slice(0, length);
      const origin = this.of(here);
      if (origin === undefined) continue;
      if (origin.source === 'file') return `${origin.name}: `;
      return `environment variable ${origin.name} (${origin.alias ?? pathText(here)}): `;
    }
    return '';
  }
}
