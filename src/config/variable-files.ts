// Settings whose text stands in a file, as Docker and Kubernetes mount secrets: `NAME_FILE` names the file in place of `NAME`.

import { StartupError } from '../base/errors.ts';
import { schemaUnder } from './aliases.ts';
import { overridePath, type Environment } from './environment.ts';
import { CONFIG_SCHEMA } from './schema.ts';
import { SECRET_VARIABLE } from './secret.ts';
import { UnreadableFile } from './text-file.ts';

const SUFFIX = '_FILE';

/** Gives the text of a file; null where there is none. Throws `UnreadableFile`. */
export type ReadText = (path: string) => string | null;

/** The variables with those that name files replaced by what these hold. Throws `StartupError`. */
export function withVariableFiles(environment: Environment, read: ReadText): Environment {
  const filled: Record<string, string | undefined> = { ...environment };
  for (const [variable, path] of Object.entries(environment)) {
    const named = variableOf(variable);
    if (named === null || path === undefined || path === '') continue;
    if (environment[named] !== undefined && environment[named] !== '') {
      throw new StartupError(`both ${named} and ${variable} are set`, 'Unset one of the two.');
    }
    filled[named] = textOf(variable, path, read);
    delete filled[variable];
  }
  return filled;
}

/** As it was written, for messages: that of the file where it came from one. */
export function writtenAs(variable: string, environment: Environment): string {
  return environment[variable] || !environment[`${variable}${SUFFIX}`] ? variable : `${variable}${SUFFIX}`;
}

/** The variable that this one gives the file of; null where it is something else. */
function variableOf(variable: string): string | null {
  if (!variable.endsWith(SUFFIX)) return null;
  const named = variable.slice(0, -SUFFIX.length);
  if (named === SECRET_VARIABLE) return named;
  const [own, other] = [overridePath(CONFIG_SCHEMA, variable), overridePath(CONFIG_SCHEMA, named)];
  const isSetting = own !== null && schemaUnder(own) !== undefined;
  return !isSetting && other !== null && schemaUnder(other)?.type === 'string' ? named : null;
}

/** Blanks and line ends around it are the editor's. `name`: who names the file. Throws `StartupError`. */
export function textOf(name: string, path: string, read: ReadText): string {
  let text: string | null;
  try {
    text = read(path);
  } catch (error) {
    if (error instanceof UnreadableFile) throw new StartupError(`${name}: ${error.message}`, error.remedy, error);
    throw error;
  }
  if (text !== null) return text.trim();
  throw new StartupError(`${name} names ${path}, which does not exist`, 'Mount the secret there, or correct the path.');
}
