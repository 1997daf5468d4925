import {
  allOf,
  alternatives,
  choices,
  describe,
  docstring,
  FILTER_TYPES,
  hasFields,
  identifier,
  namedSchemas,
  plainType,
  PYTHON_HEADER,
  refName,
  required,
  snakeCase,
} from './python-schema.ts';
import { typeName, type Message, type Schema, type Specification } from './specification.ts';

/** How a value of a reply is written down: its type, and what makes it of `value`; null: it stays as it came. */
interface Value {
  readonly type: string;
  readonly make: ((value: string) => string) | null;
}

interface Model {
  readonly name: string;
  readonly schema: Schema;
}

/** Types of what replies hold, as dataclasses, and what makes them of decoded maps. */
export class PythonModels {
  readonly #named: ReadonlyMap<string, Schema>;
  readonly #choices: ReadonlyMap<string, string>;
  readonly #models = new Map<string, Model>();
  readonly #text = new Map<string, string>();

  constructor(specification: Specification) {
    this.#named = namedSchemas(specification);
    this.#choices = choices(specification);
    for (const message of specification.messages) this.replyOf(message);
  }

  /** The type of a message's reply, and the name of what makes one. */
  replyOf({ type, reply_schema }: Message): { readonly type: string; readonly parser: string } {
    const { type: name } = this.#value(reply_schema, `${typeName(type)}Reply`);
    return { type: name, parser: parserOf(name) };
  }

  get names(): readonly string[] {
    return [...this.#models.keys(), ...this.#choices.keys()].sort();
  }

  module(): string {
    return `${PYTHON_HEADER}"""What replies hold. Fields that a later server adds are passed over; those that it leaves out are None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

_Fields: TypeAlias = Mapping[str, Any]
${[...this.#choices].map(([name, type]) => `${name}: TypeAlias = ${type}\n`).join('')}

${[...this.#text.values()].join('\n\n')}`;
  }

  #value(schema: Schema, ownName: string): Value {
    if (schema.$ref !== undefined) {
      const name = refName(schema.$ref);
      if (FILTER_TYPES.has(name)) return { type: 'dict[str, Any]', make: null };
      if (this.#choices.has(name)) return { type: name, make: null };
      return this.#value(this.#named.get(name)!, name);
    }
    const parts = allOf(schema);
    if (parts !== undefined && parts.length === 1) return this.#value(parts[0]!, ownName);
    if (parts !== undefined || hasFields(schema)) return this.#model(schema, ownName);
    const branches = alternatives(schema);
    if (branches !== undefined) return this.#union(branches, ownName);
    if (schema['type'] === 'array') return this.#array(schema.items ?? {}, ownName);
    if (schema['x-bin'] !== undefined) return { type: 'bytes', make: null };
    if (schema['type'] === 'object') return { type: 'dict[str, Any]', make: null };
    return { type: plainType(schema) ?? 'Any', make: null };
  }

  #array(items: Schema, ownName: string): Value {
    const { type, make } = this.#value(items, singular(ownName));
    return { type: `list[${type}]`, make: make === null ? null : (value) => `[${make('item')} for item in ${value}]` };
  }

  /** Maps are told apart by the fields that they must have; what has none of a branch's is of the last one. */
  #union(branches: readonly Schema[], ownName: string): Value {
    const values = branches.map((branch, place) => this.#value(branch, `${ownName}${place + 1}`));
    const type = [...new Set(values.map((value) => value.type))].join(' | ');
    if (values.every(({ make }) => make === null)) return { type, make: null };
    const list = branches.findIndex((branch) => branch['type'] === 'array');
    if (list >= 0) return { type, make: (value) => listOr(values[list]!, value) };
    const fields = branches.map((branch) =>
      required(branch.$ref === undefined ? branch : this.#named.get(refName(branch.$ref))!),
    );
    return {
      type,
      make: (value) =>
        values
          .map((each, place) => {
            const made = each.make?.(value) ?? value;
            const others = fields.filter((_names, other) => other !== place).flat();
            const own = fields[place]!.find((name) => !others.includes(name));
            return place === values.length - 1 || own === undefined
              ? made
              : `${made} if ${JSON.stringify(own)} in ${value} else `;
          })
          .join(''),
    };
  }

  #model(schema: Schema, name: string): Value {
    const value: Value = { type: name, make: (given) => `${parserOf(name)}(${given})` };
    if (this.#models.has(name)) return value;
    this.#models.set(name, { name, schema });
    const [base, own] = this.#parts(schema);
    const baseName = base === null ? null : this.#value(base, name).type;
    const rows = this.#rows(own, name);
    const inherited = base === null ? [] : this.#rows(this.#named.get(baseName!)!, baseName!);
    const description = describe(schema, this.#named);
    const body = [
      ...(description === '' ? [] : [`${docstring(description, '    ')}\n`]),
      ...rows.map(({ annotation }) => annotation),
    ];
    const calls = [...inherited, ...rows].map(({ argument }) => `        ${argument},`);
    this.#text.set(
      name,
      `@dataclass(slots=True, kw_only=True)
class ${name}${baseName === null ? '' : `(${baseName})`}:
${body.length === 0 ? '    pass' : body.join('\n')}


def ${parserOf(name)}(fields: _Fields) -> ${name}:
    return ${name}(
${calls.join('\n')}
    )
`,
    );
    return value;
  }

  /** What it extends, and what it adds. */
  #parts(schema: Schema): [base: Schema | null, own: Schema] {
    const parts = allOf(schema);
    if (parts === undefined) return [null, schema];
    const base = parts.find(({ $ref }) => $ref !== undefined) ?? null;
    return [base, parts.find(({ $ref }) => $ref === undefined) ?? {}];
  }

  #rows(schema: Schema, name: string): { annotation: string; argument: string }[] {
    return Object.entries(schema.properties ?? {}).map(([field, property]) => {
      const { type, make } = this.#value(property, name + typeName(field));
      const isRequired = required(schema).includes(field);
      const key = JSON.stringify(field);
      const plain = isRequired ? `fields[${key}]` : `fields.get(${key})`;
      const made =
        make === null ? plain : isRequired ? make(plain) : `${make(`fields[${key}]`)} if ${key} in fields else None`;
      const { description } = property;
      return {
        annotation: `    ${identifier(field)}: ${type}${isRequired ? '' : ' | None = None'}${description === undefined ? '' : `\n${docstring(description, '    ')}`}`,
        argument: `${identifier(field)}=${made}`,
      };
    });
  }
}

/** A list where it is one; the other branches stay as they came. */
function listOr({ make }: Value, value: string): string {
  return `${make?.(value) ?? value} if isinstance(${value}, list) else ${value}`;
}

function parserOf(name: string): string {
  return `parse_${snakeCase(name)}`;
}

function singular(name: string): string {
  return name.endsWith('s') ? name.slice(0, -1) : `${name}Item`;
}
