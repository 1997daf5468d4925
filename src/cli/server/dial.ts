import { addressText } from '../../../clients/typescript/src/addresses.ts';
import {
  connect,
  ContextManagerError,
  type Client,
  type HowToConnect,
  type OneServer,
  type SeveralServers,
} from '../../../clients/typescript/src/index.ts';
import { whoListens, type Listening } from './who-listens.ts';

/** A server says hello as soon as a connection is there: who says nothing for this long is looked at. */
const SOON_MS = 2000;

type DialOptions = HowToConnect & (OneServer | SeveralServers);

/**
 * Connects, and tells a port where something else answers from one where nobody does: `PROTOCOL_ERROR` for the former.
 * A server that is merely slow gets the client's usual time.
 */
export async function dial(options: DialOptions): Promise<Client> {
  if (options.addresses !== undefined) return connect(options);
  // A server takes a free port for 0 (`server.port`), and only its own output says which.
  if (options.port === 0)
    throw new ContextManagerError('CONNECTION_FAILED', 'port 0 stands for any: nothing listens there');
  try {
    return await connect({ ...options, connectTimeoutMs: SOON_MS });
  } catch (error) {
    if (!isSilence(error)) throw error;
  }
  const { host, port } = options;
  const who = await whoListens(host, port);
  const fault = options.tls === undefined || options.tls === false ? FAULTS[who] : undefined;
  try {
    if (fault === undefined || MAY_BE_SLOW.includes(who)) return await connect(options);
  } catch (error) {
    if (fault === undefined || !isSilence(error)) throw error;
  }
  throw new ContextManagerError('PROTOCOL_ERROR', `${addressText({ host, port })} ${fault}`);
}

const MAY_BE_SLOW: readonly Listening[] = ['silent', 'closes'];

const NOT_THE_PORT = 'it is not the port that clients connect to';

/** Of those who are no server, or none that could be reached so. */
const FAULTS: Readonly<Partial<Record<Listening, string>>> = {
  'server http': `answers, but in HTTP: ${NOT_THE_PORT}, but that of health and metrics`,
  http: `answers, but in HTTP: ${NOT_THE_PORT}`,
  redis: `answers, but as a Redis: ${NOT_THE_PORT}`,
  tls: 'answers, but in TLS: say --tls if it is your server or a proxy before it (--tls-ca names an authority of its own)',
  other: `answers, but not as a server: ${NOT_THE_PORT}`,
  closes: 'closes connections without a word: it is something else, or a proxy whose server is down',
  silent: 'takes connections and says nothing: it is something else, or a server that hangs',
};

/** Not refused by a socket, but never greeted. */
function isSilence(error: unknown): boolean {
  return (
    error instanceof ContextManagerError &&
    error.code === 'CONNECTION_FAILED' &&
    !(error.cause instanceof Error && 'syscall' in error.cause)
  );
}
