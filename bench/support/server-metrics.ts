import type { ServerProcess } from './server-process.ts';

/** The value of a metric without labels, as the server's `/metrics` shows it; NaN where it does not. */
export async function readMetric(server: ServerProcess, name: string): Promise<number> {
  const response = await fetch(`http://${server.host}:${server.httpPort}/metrics`);
  const page = await response.text();
  const line = page.split('\n').find((candidate) => candidate.startsWith(`context_manager_${name} `));
  return line === undefined ? Number.NaN : Number(line.slice(line.lastIndexOf(' ') + 1));
}
