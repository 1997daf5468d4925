import { CodedError } from '../../base/errors.ts';
import type { Handler } from './handler.ts';

export const gc: Handler<'admin.gc'> = (_payload, _call, { jobs }) => jobs.expirySweep();

export const cacheClear: Handler<'admin.cache_clear'> = (_payload, { options }, { memory }) =>
  memory.clearCaches(options);

/** `NOT_FOUND` for what this server does itself, or not at all. */
export const circuitReset: Handler<'admin.circuit_reset'> = ({ backend }, _call, { circuits }) => {
  const circuit = circuits.get(backend);
  if (circuit === undefined) throw new CodedError('NOT_FOUND', `the server asks no backend named ${backend}`);
  circuit.reset();
  return { backend, state: circuit.state };
};
