import type { PingReply } from '../../protocol/messages.generated.ts';
import type { Handler, Services } from './handler.ts';

export const ping: Handler<'ping'> = (_payload, _call, services) => {
  const healthy = services.healthy();
  return typeof healthy === 'boolean' ? pong(services, healthy) : healthy.then((known) => pong(services, known));
};

function pong(services: Services, healthy: boolean): PingReply {
  return {
    server_time: services.clock.nowMs(),
    uptime_ms: Math.floor(services.clock.monotonicMs() - services.startedMs),
    healthy,
    active_connections: services.activeConnections(),
  };
}
