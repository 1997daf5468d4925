// Names of the wire protocol that more than one room knows.

/** What a key may be allowed. */
export const SCOPES = ['read', 'write', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Among the namespaces of a key: it sees all of them. */
export const EVERY_NAMESPACE = '*';
/** Section 5: what a namespace may be called. */
export const NAMESPACE_NAME = /^[A-Za-z0-9._:-]{1,128}$/;
/** Section 5: where a request acts that names none, of a key that sees every namespace. */
export const DEFAULT_NAMESPACE = 'default';
/** Section 5: in reads, in place of one agent's id. */
export const EVERY_AGENT = '*';
/** The key that there is where none is configured. */
export const DEFAULT_KEY_ID = 'default';
