import { oneLine } from '../base/control-characters.ts';
import { Argument, type Command } from 'commander';
import { ContextManagerError } from '../../clients/typescript/src/index.ts';
import type { RequestPayloads } from '../protocol/messages.generated.ts';
import { withClient, withServerOptions, type ClientOptions } from './server/connection.ts';
import { CommandError } from './terminal/command-error.ts';
import { writeJson, type Io } from './terminal/io.ts';

type Backend = RequestPayloads['admin.circuit_reset']['backend'];
const BACKENDS: readonly Backend[] = ['embedding', 'vector_db', 'summary'];

const HELP = `
A backend that goes on failing is asked nothing for a while (embedding.circuit, vector_db.circuit, summary.circuit). Once
you know that it works again, this ends the wait. The key must be of namespaces * and have the scope admin.

Example:
  context-manager circuit reset vector_db`;

function refuse(error: unknown): never {
  if (!(error instanceof ContextManagerError) || error.code !== 'NOT_FOUND') throw error;
  throw new CommandError(
    `NOT_FOUND: ${error.message}`,
    'Nothing is to be reset: it asks `vector_db` only over Qdrant, `embedding` only with an embedding service or an ONNX model, and `summary` only with summary.provider = "http".',
    1,
    { code: error.code },
  );
}

/** `circuit reset <backend>` */
export function addCircuit(program: Command, io: Io): void {
  const circuit = program
    .command('circuit')
    .description('Ask a backend again that was left alone.')
    .addHelpText('after', '\nExample:\n  context-manager circuit reset vector_db --json');
  withServerOptions(
    circuit
      .command('reset')
      .description('Close the circuit of a backend, so that it is asked again at once.')
      .addArgument(new Argument('<backend>', 'which').choices(BACKENDS)),
  )
    .addHelpText('after', HELP)
    .action((backend: Backend, options: ClientOptions) => reset(backend, options, io));
}

async function reset(backend: Backend, options: ClientOptions, io: Io): Promise<void> {
  const reply = await withClient(options, io, (client) => client.resetCircuit({ backend }).catch(refuse));
  if (options.json) return writeJson(io.stdout, reply);
  return io.stdout.write(`the circuit of ${backend} is ${oneLine(reply.state.replace('_', '-'))}\n`);
}
