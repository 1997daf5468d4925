import type { FastifyInstance, FastifyReply } from 'fastify';
import { CodedError } from '../../../base/errors.ts';
import type { PageFiles } from './page-files.ts';
import { sendError } from './replies.ts';

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const NOT_BUILT = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>context-manager</title>
<p>The dashboard is not built here. In the folder of context-manager, run <code>npm run build:dashboard</code>, and load this page again.</p>
</html>
`;

/** A name with a hash of the content in it never means anything else. */
const IMMUTABLE = 'public, max-age=31536000, immutable';

/** On every answer of the dashboard. */
export function setSecurityHeaders(reply: FastifyReply): void {
  reply.headers({
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  });
}

/** The page and its files. */
export function addPageRoutes(app: FastifyInstance, files: PageFiles): void {
  app.get('/', async (_request, reply) => {
    const index = await files.index();
    if (index === null) return reply.code(503).type('text/html; charset=utf-8').send(NOT_BUILT);
    return reply.type(index.type).send(index.bytes);
  });
  app.get<{ Params: { '*': string } }>('/assets/*', async (request, reply) => {
    const file = await files.asset(request.params['*']);
    if (file === undefined) return sendError(reply, new CodedError('NOT_FOUND', 'there is no such file'));
    reply.headers({ 'cache-control': IMMUTABLE, etag: file.etag });
    if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
    return reply.type(file.type).send(file.bytes);
  });
}
