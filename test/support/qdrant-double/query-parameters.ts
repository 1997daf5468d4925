import { invalid, QdrantError } from './qdrant-error.ts';

const deserializeError = (text: string): QdrantError =>
  new QdrantError(400, `Deserialize error in query parameters: ${text}`);

const ORDERINGS = ['weak', 'medium', 'strong'];
const CONSISTENCIES = ['', 'majority', 'quorum', 'all'];

/** Whether updates wait until they can be seen. Throws what Qdrant answers to parameters that it cannot read. */
export function readParameters(parameters: URLSearchParams): { readonly wait: boolean } {
  const wait = parameters.get('wait') ?? 'false';
  if (wait !== 'true' && wait !== 'false') throw deserializeError('provided string was not `true` or `false`');
  const ordering = parameters.get('ordering') ?? 'weak';
  if (!ORDERINGS.includes(ordering)) throw deserializeError(`unknown variant \`${ordering}\``);
  const consistency = parameters.get('consistency') ?? '';
  if (!CONSISTENCIES.includes(consistency) && !/^[1-9]\d*$/.test(consistency)) {
    throw deserializeError(`failed to deserialize read consistency query parameter value '${consistency}'`);
  }
  const timeout = parameters.get('timeout') ?? '1';
  if (!/^\d+$/.test(timeout)) throw deserializeError('invalid digit found in string');
  if (Number(timeout) < 1) throw invalid('timeout', 'value 0 invalid, must be 1 or larger', 'query parameters');
  return { wait: wait === 'true' };
}
