export { connect } from './connect.ts';
export { Client } from './client.ts';
export { PagedList, type ContextList } from './paged-list.ts';
export { ContextManagerError, type ClientErrorCode, type ContextManagerErrorCode } from './errors.ts';
export type * from './types.ts';
