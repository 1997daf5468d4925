# glibc, because the vector index comes as a prebuilt binary for it.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY clients/typescript/package.json clients/typescript/
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY proto-spec proto-spec
COPY src src
COPY clients clients
COPY dashboard dashboard
RUN npm run build && npm run build:dashboard && npm prune --omit=dev && rm -rf node_modules/@context-manager

FROM node:24-slim
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/dashboard/dist dashboard/dist
COPY src/bin.js src/bin.js
COPY config config
COPY proto-spec proto-spec
COPY word-vectors word-vectors
COPY LICENSE NOTICE ./
# `docker exec <container> context-manager ...`
RUN ln -s /app/src/bin.js /usr/local/bin/context-manager && mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 7420 8080
# The secret is given at run time. Make it once and keep it, as clients need the same one:
#   export PROTOCOL_SECRET="$(openssl rand -hex 32)"; docker run -e PROTOCOL_SECRET ...
ENV CONFIG_ENV=production VECTOR_DB__DATA_DIR=/data
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SERVER__HTTP_PORT ?? 8080}/health/readiness`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "src/bin.js"]
CMD ["serve"]
