/** One thing that somebody did, or was not let do. */
export interface AuditEntry {
  /** Id of the key. */
  readonly key: string;
  /** `auth` or the type of a request. */
  readonly type: string;
  /** Those that it acts in; absent: none, or not known. */
  readonly namespaces?: readonly string[];
  /** `ok` or an error code. */
  readonly outcome: string;
  /** Where it came from: door, connection, address, request, trace id. */
  readonly from: Readonly<Record<string, unknown>>;
}

/** Where is written who did what. */
export interface Audit {
  /** Whether requests of this scope are written down at all. */
  wants(scope: 'any' | 'read' | 'write' | 'admin'): boolean;
  note(entry: AuditEntry): void;
}

export const noAudit: Audit = { wants: () => false, note() {} };
