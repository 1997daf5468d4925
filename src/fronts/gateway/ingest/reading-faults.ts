/** The document is what it says to be, and more than is read of one. */
export class TooLargeDocument extends Error {}

/** The document is not what it says to be. */
export class BadDocument extends Error {}
