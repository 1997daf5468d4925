import {
  allOf,
  alternatives,
  choices,
  describe,
  docstring,
  FILTER_TYPES,
  hasFields,
  namedSchemas,
  plainType,
  PYTHON_HEADER,
  refName,
  required,
} from './python-schema.ts';
import { typeName, type Schema, type Specification } from './specification.ts';

/** Types of what methods are given: maps with known fields as `TypedDict`. */
export class PythonInputs {
  readonly #named: ReadonlyMap<string, Schema>;
  readonly #choices: ReadonlyMap<string, string>;
  readonly #text = new Map<string, string>();
  readonly #taken: ReadonlySet<string>;

  /** `taken`: names that stand for something else already. */
  constructor(specification: Specification, taken: readonly string[]) {
    this.#named = namedSchemas(specification);
    this.#choices = choices(specification);
    this.#taken = new Set(taken);
    for (const { request, type } of specification.messages)
      for (const [field, schema] of Object.entries(this.fieldsOf(request).properties ?? {}))
        this.type(schema, typeName(type) + typeName(field));
  }

  get names(): readonly string[] {
    return [...this.#text.keys()].sort();
  }

  /** What a module that writes these types down must import. */
  get imports(): string {
    return `from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, TypeVar

from .filters import Filter
from .models_generated import ${[...this.#choices.keys()].sort().join(', ')}
from .vectors import Vector`;
  }

  /** A request's own schema, or the one that it refers to. */
  fieldsOf(request: Schema): Schema {
    return request.$ref === undefined ? request : this.#named.get(refName(request.$ref))!;
  }

  type(schema: Schema, ownName: string): string {
    if (schema.$ref !== undefined) return this.#byName(refName(schema.$ref));
    const parts = allOf(schema);
    if (parts !== undefined && parts.length === 1) return this.type(parts[0]!, ownName);
    if (hasFields(schema)) return this.#typedDict(schema, ownName);
    const branches = alternatives(schema);
    if (branches !== undefined)
      return [...new Set(branches.map((branch, place) => this.type(branch, `${ownName}${place + 1}`)))].join(' | ');
    if (schema['type'] === 'array') return `Sequence[${this.type(schema.items ?? {}, ownName)}]`;
    if (schema['x-bin'] !== undefined) return 'Vector';
    if (schema['type'] === 'object' || parts !== undefined) return 'Mapping[str, Any]';
    return plainType(schema) ?? 'Any';
  }

  module(): string {
    return `${PYTHON_HEADER}"""What methods are given inside of lists and maps. A field that is None is as good as absent."""

from __future__ import annotations

${this.imports}


${[...this.#text.values()].join('\n\n')}`;
  }

  #byName(name: string): string {
    if (name === 'Filter') return 'Filter';
    if (FILTER_TYPES.has(name)) return 'Any';
    if (this.#choices.has(name)) return name;
    return this.type(this.#named.get(name)!, name);
  }

  #typedDict(schema: Schema, wanted: string): string {
    const name = this.#taken.has(wanted) ? `${wanted}Input` : wanted;
    if (this.#text.has(name)) return name;
    // Its place is taken before its fields are looked at: one of them may hold it.
    this.#text.set(name, '');
    const rows = Object.entries(schema.properties ?? {}).map(([field, property]) => ({
      isRequired: required(schema).includes(field),
      text: this.#row(field, property, `${name}${typeName(field)}`, required(schema).includes(field)),
    }));
    const must = rows.filter(({ isRequired }) => isRequired).map(({ text }) => text);
    const may = rows.filter(({ isRequired }) => !isRequired).map(({ text }) => text);
    const description = describe(schema, this.#named);
    const doc = description === '' ? '' : `${docstring(description, '    ')}\n\n`;
    this.#text.delete(name);
    this.#text.set(
      name,
      must.length === 0
        ? `class ${name}(TypedDict, total=False):\n${doc}${may.join('\n') || '    pass'}\n`
        : `class _${name}Required(TypedDict):\n${must.join('\n')}\n\n\nclass ${name}(_${name}Required, total=False):\n${doc}${may.join('\n') || '    pass'}\n`,
    );
    return name;
  }

  #row(field: string, property: Schema, ownName: string, isRequired: boolean): string {
    const description = describe(property, this.#named);
    const type = this.type(property, ownName);
    return `    ${field}: ${type}${isRequired ? '' : ' | None'}${description === '' ? '' : `\n${docstring(description, '    ')}`}`;
  }
}
