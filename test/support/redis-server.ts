import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { freePort } from './free-port.ts';

/** Put into the name of what is skipped without it; .ci/run installs it. */
export const NEEDS_REDIS = '(skipped where there is no redis-server: apt-get install redis-server)';

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

export interface RedisServer {
  readonly port: number;
  /** Without user and password. */
  readonly url: string;
  /** Ends it at once; what it held is gone. */
  stop(): Promise<void>;
  /** On the same port, empty. */
  start(): Promise<void>;
}

/** Files in PEM. */
export interface RedisTls {
  readonly certPath: string;
  readonly keyPath: string;
}

/** A Redis server of the test's own, on loopback, which keeps nothing on disk; with `tls` it speaks that alone. */
export async function startRedis(password?: string, tls?: RedisTls): Promise<RedisServer> {
  const port = await freePort();
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    const options = [
      ...(tls === undefined ? ['--port', String(port)] : tlsOptions(port, tls)),
      '--bind',
      '127.0.0.1',
      '--dir',
      tmpdir(),
      '--save',
      '',
      '--appendonly',
      'no',
    ];
    child = spawn('redis-server', [...options, ...(password === undefined ? [] : ['--requirepass', password])]);
    const said: Buffer[] = [];
    await new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', () => reject(new Error(`redis-server ended: ${Buffer.concat(said).toString('utf8')}`)));
      child.stdout?.on('data', (chunk: Buffer) => {
        said.push(chunk);
        if (Buffer.concat(said).includes('Ready to accept connections')) resolve();
      });
    });
  };
  await start();
  return {
    port,
    url: `${tls === undefined ? 'redis' : 'rediss'}://127.0.0.1:${port}`,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    },
    start,
  };
}

function tlsOptions(port: number, { certPath, keyPath }: RedisTls): string[] {
  const certificate = ['--tls-cert-file', certPath, '--tls-key-file', keyPath, '--tls-auth-clients', 'no'];
  return ['--port', '0', '--tls-port', String(port), ...certificate];
}
