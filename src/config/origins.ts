import { leaves, pathText, type SettingPath, type Tree } from './tree.ts';

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

  note(path: SettingPath, origin: Origin): void {
    this.#known.set(pathText(path), origin);
  }

  /** Everything in a file, with the tables around it. `variablesOf` says what a value takes from the environment. */
  noteFile(tree: Tree, file: string, variablesOf: (path: SettingPath) => readonly string[] | undefined): void {
    for (const { path } of leaves(tree)) {
      for (let length = 1; length < path.length; length++)
        this.note(path.slice(0, length), { source: 'file', name: file });
      const variables = variablesOf(path);
      this.note(path, { source: 'file', name: file, ...(variables === undefined ? {} : { variables }) });
    }
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
