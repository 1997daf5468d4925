export { memoryMiddleware, type MemoryMiddlewareOptions } from './memory-middleware.ts';
export {
  memoryTools,
  type MemoryTools,
  type MemoryToolsOptions,
  type RecallInput,
  type RecallOutput,
  type RememberInput,
  type RememberOutput,
} from './memory-tools.ts';
export type { AdapterOptions } from '../../shared/adapter-options.ts';
