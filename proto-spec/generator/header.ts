/** First line of every generated file. */
export const HEADER = '// Generated from proto-spec/ by `npm run generate`; do not edit.\n';
