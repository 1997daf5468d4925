export { ContextManagerSession, type ContextManagerSessionOptions } from './context-manager-session.ts';
export type { AdapterOptions } from '../../shared/adapter-options.ts';
