export { connect } from './connect.ts';
export { Client } from './client.ts';
export { PagedList, type ContextList } from './paged-list.ts';
export { ContextManagerError, type ClientErrorCode, type ContextManagerErrorCode } from './errors.ts';
export type {
  ClientEventName,
  ClientEvents,
  ClientListener,
  CloseEvent,
  ConnectEvent,
  ErrorEvent,
  ReconnectEvent,
} from './events.ts';
export type { Facts } from './facts.ts';
export type { Session, SessionScope } from './session.ts';
export type * from './types.ts';
