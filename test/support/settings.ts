import { defaultSettings } from '../../src/config/settings.ts';
import { socketLimits } from '../../src/fronts/socket/limits.ts';

/** What a server runs with where nothing is configured. */
export const DEFAULTS = defaultSettings();
export const DEFAULT_LIMITS = socketLimits(DEFAULTS);
