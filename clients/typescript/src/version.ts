/** How the client names itself to the server; the version is that of package.json (a test compares them). */
export const CLIENT_NAME = 'context-manager-ts/0.1.0';
