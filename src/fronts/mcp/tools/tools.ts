import { expand } from './expand.ts';
import { forget } from './forget.ts';
import { recall } from './recall.ts';
import { recent } from './recent.ts';
import { remember } from './remember.ts';
import { update } from './update.ts';
import type { Tool } from './tool.ts';

/** In the order in which clients list them. */
export const TOOLS: readonly Tool[] = [remember, recall, expand, update, forget, recent];
