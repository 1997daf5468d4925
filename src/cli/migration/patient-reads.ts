import type { StoreDriver } from '../../store/driver.ts';
import type { Patience } from '../terminal/patience.ts';

/** The reads of a copy, each with patience; `apply` alone tells who called what a failure may have left half done. */
export function patientReads(
  of: string,
  driver: StoreDriver,
  patience: Patience,
): Pick<StoreDriver, 'scan' | 'counts'> {
  return {
    scan: (requests, signal) => patience.with(of, () => driver.scan(requests, signal)),
    counts: (request) => patience.with(of, () => driver.counts(request)),
  };
}
