import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { messageTypes } from './generator/message-types.ts';
import { pythonModules } from './generator/python.ts';
import { sdkMethods } from './generator/sdk-methods.ts';
import { readSpecification } from './generator/specification.ts';
import { errorTable, messageTable, schemaData } from './generator/tables.ts';
import { vectorFiles } from './vectors.ts';

/**
 * Makes code of the protocol's data: the error table, the message table, the types of all payloads, the schemas as
 * constants, the methods of both SDKs with the types of the Python one; and the vectors, from the code. `node proto-spec/generate.ts` writes what changed,
 * `--check` only names it. Fails where an input is missing.
 */

const root = new URL('../', import.meta.url);

/** Each generated file's content, by its path from the root of the project. */
export async function generate(): Promise<Map<string, string>> {
  const specification = readSpecification(new URL('proto-spec/', root));
  return new Map([
    ['src/base/error-table.ts', errorTable(specification.errors)],
    ['src/protocol/message-table.generated.ts', messageTable(specification)],
    ['src/protocol/messages.generated.ts', await messageTypes(specification)],
    ['src/protocol/schemas.generated.ts', schemaData(specification)],
    ['clients/typescript/src/methods.generated.ts', sdkMethods(specification)],
    ...pythonModules(specification),
    ...vectorFiles(),
  ]);
}

async function main(isCheck: boolean): Promise<void> {
  for (const [path, content] of await generate()) {
    const file = new URL(path, root);
    if (existsSync(file) && readFileSync(file, 'utf8') === content) continue;
    process.stdout.write(isCheck ? `${path} is stale\n` : `${path}\n`);
    if (isCheck) process.exitCode = 1;
    else writeFileSync(file, content);
  }
}

if (import.meta.main) await main(process.argv.includes('--check'));
