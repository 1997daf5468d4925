import type { Handler } from './handler.ts';

export const gc: Handler<'admin.gc'> = (_payload, _call, { jobs }) => jobs.expirySweep();

export const cacheClear: Handler<'admin.cache_clear'> = (_payload, _call, { memory }) => memory.clearCaches();
