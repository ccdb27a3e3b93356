# Culvert in a container. Build: docker build -t culvert .
# How to run it, and why with the host's network: docker-compose.yml.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src ./src
COPY collectors ./collectors
COPY api ./api
COPY cli ./cli
COPY simulate ./simulate
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
# Each thread of glibc would keep an arena of its own: some 50 MB of memory for nothing.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY LICENSE ./
# /data is the only place that is written to, so the root file system may be read-only.
RUN install -d -o node -g node -m 700 /data && install -d /etc/culvert
USER node
VOLUME /data
# NetFlow and IPFIX, sFlow, syslog, both over TLS, API
EXPOSE 2055/udp 4739/udp 4739/tcp 6343/udp 5514/udp 5514/tcp 4740/tcp 6514/tcp 8080/tcp
STOPSIGNAL SIGTERM
# The API's port, when it is not 8080, comes from CULVERT_API_PORT. 503 (failing) is unhealthy, degraded is not.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.CULVERT_API_PORT ?? 8080}/api/v1/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/cli/culvert.js"]
CMD ["start", "--data", "/data"]
