import { fromJsonSchema, type JsonSchemaType, type StandardSchemaWithJSON } from '@modelcontextprotocol/server';

/** A schema that is compiled when something is checked by it for the first time: listing what there is needs none. */
export function lazySchema<T>(schema: JsonSchemaType): StandardSchemaWithJSON<T> {
  let compiled: StandardSchemaWithJSON<T> | undefined;
  return {
    '~standard': {
      version: 1,
      vendor: 'context-manager',
      jsonSchema: { input: () => ({ ...schema }), output: () => ({ ...schema }) },
      validate: (value) => (compiled ??= fromJsonSchema<T>(schema))['~standard'].validate(value),
    },
  };
}
