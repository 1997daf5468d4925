/**
 * Why a target is missed, by the row's name: only what a profile (`--cpu-prof`) of the server showed,
 * with the share of time that it showed.
 */
export const REASONS: Readonly<Record<string, string>> = {};
