export { memoryTool, memoryToolHandlers } from './memory-tool.ts';
export type { AdapterOptions } from '../../shared/adapter-options.ts';
