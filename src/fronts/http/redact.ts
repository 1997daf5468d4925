/** What is in a field of this name is a secret or a text, whoever logs it. */
const HIDDEN_FIELDS = new Set(
  [
    ['secret', 'secrets', 'password', 'passwd', 'token', 'api_token', 'apitoken', 'api_key', 'apikey', 'authorization'],
    [
      'cookie',
      'tag',
      'tags',
      'text',
      'texts',
      'query',
      'payload',
      'content',
      'messages',
      'metadata',
      'body',
      'headers',
    ],
    ['vector', 'vectors', 'embedding', 'embeddings', 'input', 'contexts'],
  ].flat(),
);
const DEPTH_MAX = 6;
const HIDDEN = '[redacted]';

/** A user with a password before an address, whatever stands in it: `scheme://user:password@`. */
const URL_PASSWORD = /(:\\?\/\\?\/)[^\s"@/]*:[^\s"@]*@/g;
/** The value of a parameter of an address that is named like a secret. */
const URL_PARAMETER = /([?&](?:[\w-]*(?:key|token|secret|password|signature|credential)|sig|auth|code)=)[^&\s"#]+/gi;
const BEARER = /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/g;

/** The fields of a line without what may not be logged, however deep it lies. Errors are left to their serializer. */
export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, redacted(name, value, 0)]));
}

function redacted(name: string, value: unknown, depth: number): unknown {
  if (value === undefined || value === null) return value;
  if (HIDDEN_FIELDS.has(name.toLowerCase())) return HIDDEN;
  if (typeof value !== 'object' || value instanceof Error) return value;
  if (depth === DEPTH_MAX || ArrayBuffer.isView(value)) return HIDDEN;
  if (Array.isArray(value)) return value.map((each) => redacted('', each, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, redacted(key, each, depth + 1)]));
}

/** A line without passwords in addresses, and without `secrets`, wherever they stand: also in the words of an error. */
export function redactLine(line: string, secrets: readonly string[]): string {
  let clean = line;
  if (line.includes('://') || line.includes('=')) {
    clean = clean.replace(URL_PASSWORD, `$1${HIDDEN}@`).replace(URL_PARAMETER, `$1${HIDDEN}`);
  }
  clean = clean.replace(BEARER, `$1 ${HIDDEN}`);
  for (const secret of secrets) if (clean.includes(secret)) clean = clean.replaceAll(secret, HIDDEN);
  return clean;
}
