# The receiver as a production image: docker build -t hookonce .

# 24 or later, whose own SQLite is used.
ARG NODE_VERSION=24

FROM node:${NODE_VERSION}-bookworm-slim AS manifests
WORKDIR /app
# Without the code, so that a change of code leaves what is installed cached.
COPY package.json package-lock.json ./
COPY packages/hookonce/package.json packages/hookonce/
COPY packages/server/package.json packages/server/
COPY packages/dashboard/package.json packages/dashboard/

FROM manifests AS dependencies
# "optional" are compilers and types that libraries would like to find: 26 MB. The SQLite driver of older Nodes is half of
# the size, for every platform there is.
RUN npm ci --omit=dev --omit=optional --workspace=packages/server --ignore-scripts \
 && rm -rf node_modules/@photostructure node_modules/node-addon-api node_modules/node-gyp-build

FROM manifests AS build
RUN npm ci --ignore-scripts
COPY . .
RUN node scripts/build-packages.mjs && npm run build --workspace=packages/dashboard

FROM node:${NODE_VERSION}-bookworm-slim
LABEL org.opencontainers.image.title="Hookonce" \
      org.opencontainers.image.description="A webhook receiver with idempotency keys" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8000 \
    HOOKONCE_STORE_URL=sqlite:/data/hookonce.db
WORKDIR /app
# A new volume is given the owner that its folder has here.
RUN install --directory --owner=node --group=node --mode=700 /data
VOLUME /data
COPY --from=dependencies /app ./
COPY --from=build /app/packages/hookonce/dist packages/hookonce/dist
COPY --from=build /app/packages/server/dist packages/server/dist
USER node
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# No shell and no npm in between: signals reach the server. Flags may follow the image's name.
ENTRYPOINT ["node", "/app/packages/server/dist/cli.js"]
