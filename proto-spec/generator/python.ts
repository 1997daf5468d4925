import { PythonInputs } from './python-inputs.ts';
import { pythonErrors, pythonMethods, pythonOperations } from './python-methods.ts';
import { PythonModels } from './python-models.ts';
import { PYTHON_HEADER } from './python-schema.ts';
import type { Specification } from './specification.ts';

const FOLDER = 'clients/python/src/context_manager';

/** The Python SDK's modules that follow from the protocol's data, by their paths from the root of the project. */
export function pythonModules(specification: Specification): [path: string, content: string][] {
  const models = new PythonModels(specification);
  const inputs = new PythonInputs(specification, models.names);
  return [
    [`${FOLDER}/errors_generated.py`, pythonErrors(specification.errors)],
    [`${FOLDER}/models_generated.py`, models.module()],
    [`${FOLDER}/inputs_generated.py`, inputs.module()],
    [`${FOLDER}/operations_generated.py`, pythonOperations(specification, models)],
    [`${FOLDER}/methods_generated.py`, pythonMethods('sync', specification, models, inputs)],
    [`${FOLDER}/async_methods_generated.py`, pythonMethods('async', specification, models, inputs)],
    [`${FOLDER}/types.py`, publicTypes(models, inputs)],
  ];
}

/** The names that users write in annotations. */
function publicTypes(models: PythonModels, inputs: PythonInputs): string {
  const names = [...models.names, ...inputs.names, 'Filter', 'Vector'].sort();
  return `${PYTHON_HEADER}"""Types of what methods are given and return."""

from .filters import Filter
from .inputs_generated import (
${inputs.names.map((name) => `    ${name},`).join('\n')}
)
from .models_generated import (
${models.names.map((name) => `    ${name},`).join('\n')}
)
from .vectors import Vector

__all__ = [
${names.map((name) => `    "${name}",`).join('\n')}
]
`;
}
