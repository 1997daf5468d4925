import { systemClock } from '../../base/clock.ts';
import type { Settings } from '../../config/settings.ts';
import { CommandError } from '../terminal/command-error.ts';
import { formatDuration } from '../terminal/render.ts';

/** A model service behind the gateway, with the settings that name it. */
interface Target {
  readonly url: string;
  readonly token: string | undefined;
  readonly urlSetting: string;
  readonly tokenSetting: string;
}

const TIMEOUT_MS = 5_000;
const REFUSED: readonly number[] = [401, 403];

/** Asks each model service behind the gateway for its models. Throws `CommandError`, which names the setting to mend. */
export async function tryUpstreams({ gateway }: Pick<Settings, 'gateway'>): Promise<string> {
  const targets = targetsOf(gateway);
  if (targets.length === 0) return 'there is no model service behind it (gateway.upstream_url)';
  const found: string[] = [];
  for (const target of targets) found.push(await tryOne(target));
  return found.join('; ');
}

function targetsOf({ upstreamUrl: url, upstreamToken: token, tokens }: Settings['gateway']): Target[] {
  const common = { urlSetting: 'gateway.upstream_url', tokenSetting: 'gateway.upstream_token' };
  const own = tokens.flatMap(({ upstreamUrl, upstreamToken }, place) => {
    const name = `gateway.tokens[${place}]`;
    const settings = { urlSetting: `${name}.upstream_url`, tokenSetting: `${name}.upstream_token` };
    if (upstreamUrl !== undefined) return [{ url: upstreamUrl, token: upstreamToken, ...settings }];
    // Its own token at the common service.
    return upstreamToken === undefined || url === undefined
      ? []
      : [{ url, token: upstreamToken, ...settings, urlSetting: common.urlSetting }];
  });
  return url === undefined ? own : [{ url, token, ...common }, ...own];
}

async function tryOne({ url, token, urlSetting, tokenSetting }: Target): Promise<string> {
  // OpenAI's services look at the first header, Anthropic's at the others.
  const headers = {
    ...(token !== undefined && { authorization: `Bearer ${token}`, 'x-api-key': token }),
    'anthropic-version': '2023-06-01',
  };
  const asked = `${url.replace(/\/+$/, '')}/models`;
  const startedMs = systemClock.monotonicMs();
  let status: number;
  try {
    const response = await fetch(asked, { headers, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
    status = response.status;
    await response.body?.cancel();
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'TimeoutError';
    throw new CommandError(
      `${asked} ${isLate ? `did not answer within ${formatDuration(TIMEOUT_MS)}` : 'cannot be reached'}`,
      `Start the model service, or correct ${urlSetting}.`,
    );
  }
  if (REFUSED.includes(status))
    throw new CommandError(
      `${asked} refuses the token (${status})`,
      token === undefined ? `Set ${tokenSetting}.` : `Correct ${tokenSetting}.`,
    );
  if (status >= 300 && status !== 404)
    throw new CommandError(`${asked} answers ${status}`, `Look at the model service, or correct ${urlSetting}.`);
  const took = formatDuration(systemClock.monotonicMs() - startedMs);
  // Not every service has a list of its models.
  return status === 404 ? `${url} answers after ${took}, and tells no models` : `${url} answers after ${took}`;
}
