import type { MonitoredRequest } from '../../protocol/messages.generated.ts';
import type { Polled } from '../request-monitor.ts';
import type { Handler } from './handler.ts';

const LIMIT = 100;
const WAIT_MS = 5_000;

export const slowlog: Handler<'admin.slowlog'> = ({ limit = LIMIT, reset = false }, _call, { slow }) => {
  const requests = slow.newest(limit);
  if (reset) slow.clear();
  return { requests, threshold_ms: slow.thresholdMs, total: slow.total };
};

/** How texts begin is for those alone who may read them. */
export const monitor: Handler<'admin.monitor'> = (
  { cursor, limit = LIMIT, wait_ms: waitMs = WAIT_MS },
  { options, mayRead },
  services,
) => {
  const tell = ({ requests, cursor: next, lost }: Polled) => ({
    requests: mayRead ? [...requests] : requests.map(textless),
    cursor: next,
    lost,
  });
  const polled = services.monitor.poll({ cursor, limit, waitMs, signal: options.signal });
  return polled instanceof Promise ? polled.then(tell) : tell(polled);
};

function textless({ text: _text, ...request }: MonitoredRequest): MonitoredRequest {
  return request;
}
