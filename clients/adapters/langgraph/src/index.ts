export { ContextManagerStore, type ContextManagerStoreOptions } from './context-manager-store.ts';
export type { AdapterOptions } from '../../shared/adapter-options.ts';
