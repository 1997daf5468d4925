// Numbers of the wire protocol that the configuration needs, too.

/** Section 2: a secret has at least this many bytes. */
export const SECRET_BYTES_MIN = 32;
/** Section 1: longest frame after authentication, unless the server says otherwise. */
export const FRAME_BYTES_MAX_DEFAULT = 10 * 1024 * 1024;
/** Section 5: characters of one text. */
export const TEXT_CHARS_MAX = 262_144;
