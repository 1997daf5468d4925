import type { PythonInputs } from './python-inputs.ts';
import type { PythonModels } from './python-models.ts';
import {
  describe,
  escaped,
  identifier,
  namedSchemas,
  PYTHON_HEADER,
  refName,
  required,
  snakeCase,
  wrapped,
} from './python-schema.ts';
import { pagedFieldOf } from './sdk-methods.ts';
import { typeName, type ErrorRow, type Message, type Schema, type Specification } from './specification.ts';

export type Colour = 'sync' | 'async';

/** Parameters that every method has besides the request's fields. */
const OWN_PARAMETERS = ['self', 'timeout_ms', 'traceparent'];

export function pythonErrors(errors: readonly ErrorRow[]): string {
  const rows = errors.map(({ code, retryable }) => `    "${code}": ${retryable ? 'True' : 'False'},`);
  return `${PYTHON_HEADER}"""The codes of the protocol, and whether the same call may be made again; a reply's own word comes before it."""

RETRYABLE_BY_CODE: dict[str, bool] = {
${rows.join('\n')}
}
`;
}

/** One row for each request: how it is made, and what is made of its reply. */
export function pythonOperations({ messages }: Specification, models: PythonModels): string {
  const rows = messages.map((message) => {
    const { type, parser } = models.replyOf(message);
    const [items, idsIn] = [message.items, message.ids_in].map((field) =>
      field === undefined ? 'None' : JSON.stringify(field),
    );
    return `${constantOf(message)}: Operation[models.${type}] = Operation(
    ${JSON.stringify(message.type)}, ${JSON.stringify(message.namespace)}, ${JSON.stringify(message.repeat)}, ${items}, ${idsIn}, models.${parser}
)`;
  });
  return `${PYTHON_HEADER}"""The requests of the protocol."""

from __future__ import annotations

from typing import Any

from . import models_generated as models
from .operation import Operation

${rows.join('\n')}

OPERATIONS: dict[str, Operation[Any]] = {
    operation.type: operation
    for operation in (
${messages.map((message) => `        ${constantOf(message)},`).join('\n')}
    )
}
`;
}

/** One method for each request, named and described as messages.json says. */
export function pythonMethods(
  colour: Colour,
  specification: Specification,
  models: PythonModels,
  inputs: PythonInputs,
): string {
  const named = namedSchemas(specification);
  const [name, list, call] =
    colour === 'sync'
      ? (['Methods', 'PagedList', 'def _call'] as const)
      : (['AsyncMethods', 'AsyncPagedList', 'async def _call'] as const);
  const methods = specification.messages.map((message) => method(message, colour, models, inputs, named));
  return `${PYTHON_HEADER}"""One method for each request of the protocol; how a call is made is for whoever extends it."""

from __future__ import annotations

from abc import ABC, abstractmethod
${inputs.imports}
from . import models_generated as models
from . import operations_generated as operations
from .inputs_generated import ${inputs.names.join(', ')}
from .operation import Operation
from .paged_list import ${list}

_Reply = TypeVar("_Reply")


class ${name}(ABC):
    @abstractmethod
    ${call}(
        self,
        operation: Operation[_Reply],
        fields: dict[str, Any],
        timeout_ms: float | None,
        traceparent: str | None,
    ) -> _Reply: ...

${methods.join('\n\n')}
`;
}

function method(
  message: Message,
  colour: Colour,
  models: PythonModels,
  inputs: PythonInputs,
  named: ReadonlyMap<string, Schema>,
): string {
  const schema = inputs.fieldsOf(message.request);
  const fields = Object.entries(schema.properties ?? {});
  const clash = fields.find(([field]) => OWN_PARAMETERS.includes(field));
  if (clash !== undefined) throw new Error(`${message.type} has a field ${clash[0]}, which every method has already`);
  const positional = positionalFields(message.request, schema);
  const types = new Map(
    fields.map(([field, property]) => [field, inputs.type(property, typeName(message.type) + typeName(field))]),
  );
  const inOrder = [
    ...positional.map((field) => [field, schema.properties![field]!] as const),
    ...fields.filter(([field]) => !positional.includes(field)),
  ];
  const parameter = (field: string): string =>
    `        ${identifier(field)}: ${types.get(field)}${required(schema).includes(field) ? '' : ' | None = None'},`;
  // A batch is stored into one namespace where its contexts name none.
  const extra = message.namespace === 'items' ? ['        namespace: str | None = None,'] : [];
  const parameters = [
    '        self,',
    ...positional.map(parameter),
    '        *,',
    ...inOrder.slice(positional.length).map(([field]) => parameter(field)),
    ...extra,
    '        timeout_ms: float | None = None,',
    '        traceparent: str | None = None,',
  ];
  const given = [...fields.map(([field]) => field), ...(extra.length > 0 ? ['namespace'] : [])];
  const rows = given.map((field) => `            "${field}": ${identifier(field)},\n`);
  const payload = rows.length === 0 ? '{}' : 'fields';
  const fieldLines = rows.length === 0 ? [] : [`        fields: dict[str, Any] = {\n${rows.join('')}        }`];
  const pagedField = pagedFieldOf(message.reply_schema);
  const reply = models.replyOf(message).type;
  const arguments_ = `operations.${constantOf(message)}, ${payload}, timeout_ms, traceparent`;
  const isAsync = colour === 'async' && pagedField === null;
  const list = colour === 'async' ? 'AsyncPagedList' : 'PagedList';
  const result =
    pagedField === null ? `models.${reply}` : `${list}[models.${itemOf(message, pagedField)}, models.${reply}]`;
  const body =
    pagedField === null
      ? `return ${isAsync ? 'await ' : ''}self._call(${arguments_})`
      : `return ${list}(self._call, ${arguments_}, lambda page: page.${pagedField})`;
  return `    ${isAsync ? 'async ' : ''}def ${snakeCase(message.method)}(
${parameters.join('\n')}
    ) -> ${result}:
${[methodDoc(message, inOrder, named), ...fieldLines].join('\n')}
        ${body}`;
}

/** Those that must be there; or else the first that may stand for the others. */
function positionalFields(request: Schema, schema: Schema): readonly string[] {
  const names = required(schema);
  if (names.length > 0) return names;
  const branches = (request.anyOf ?? request['oneOf'] ?? []) as readonly Schema[];
  const [first] = branches;
  return first === undefined ? [] : required(first).slice(0, 1);
}

function itemOf(message: Message, field: string): string {
  const items = message.reply_schema.properties?.[field]?.items;
  if (items?.$ref === undefined) throw new Error(`${message.type}: the items of ${field} have no name`);
  return refName(items.$ref);
}

function methodDoc(
  message: Message,
  fields: readonly (readonly [string, Schema])[],
  named: ReadonlyMap<string, Schema>,
): string {
  const rows = fields.map(([field, property]) => {
    const told = describe(property, named);
    return told === '' ? null : wrapped(`${identifier(field)}: ${escaped(told)}`, '            ', '    ');
  });
  const batch =
    message.namespace === 'items' ? [`            namespace: Of the ${message.items!} that name none.`] : [];
  const own = [
    "            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.",
    '            traceparent: W3C Trace Context, handed on to the server.',
  ];
  return [
    wrapped(`"""${escaped(message.description)}`, '        '),
    '',
    '        Args:',
    ...rows.filter((row) => row !== null),
    ...batch,
    ...own,
    '        """',
  ].join('\n');
}

function constantOf({ type }: Message): string {
  return type.replaceAll('.', '_').toUpperCase();
}
