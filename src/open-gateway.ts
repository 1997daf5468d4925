import type { Settings } from './config/settings.ts';
import { Gateway, type GatewayState } from './fronts/gateway/gateway.ts';
import type { GatewayMount, GatewayOptions } from './fronts/gateway/parts.ts';
import { tokensByWeight } from './hirag/write/token-weights.ts';

export interface OpenGateway {
  /** Null: it is switched off. */
  readonly gateway: Gateway | null;
  readonly port: number | null;
  /** What health shows of it. */
  readonly ofHealth: { readonly gateway?: () => GatewayState };
}

/** Listens where the gateway is switched on. Throws `StartupError`. */
export async function openGateway(
  settings: Settings,
  parts: Omit<GatewayOptions, 'settings' | 'window'> & { readonly version: string },
  onStop: (task: () => unknown) => void,
): Promise<OpenGateway> {
  if (!settings.gateway.enabled) return { gateway: null, port: null, ofHealth: {} };
  const { log } = parts;
  if (settings.gateway.tokens.length === 0)
    log.warn({}, 'the gateway has no token, so that nobody can ask it: make one with `context-manager gateway token`');
  const mounts = [await mcpMount(settings.gateway, parts.version)];
  const gateway = new Gateway({ ...parts, settings: settings.gateway, window: settings.window, mounts });
  const port = await gateway.listen();
  onStop(() => gateway.close(settings.server.shutdownTimeoutSecs * 1000));
  log.info({ host: settings.gateway.host, port }, 'gateway listening');
  return { gateway, port, ofHealth: { gateway: () => gateway.state } };
}

/** Addresses that stand for all: none that anybody asks for. */
const EVERY_ADDRESS = ['0.0.0.0', '::'];

/** Loaded where the gateway listens alone. */
async function mcpMount(
  { host, allowedHosts, mcpMaxTokens }: Settings['gateway'],
  version: string,
): Promise<GatewayMount> {
  const { HttpMount, memoryOverHttp } = await import('./fronts/mcp/http-mount.ts');
  const mount = new HttpMount({
    servers: memoryOverHttp({ version, maxTokens: mcpMaxTokens, countTokens: tokensByWeight }),
    allowedHosts: EVERY_ADDRESS.includes(host) ? allowedHosts : [host, ...allowedHosts],
  });
  return (app, host) => mount.mount(app, host);
}
