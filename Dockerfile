FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY drivers ./drivers
COPY client/package.json ./client/
COPY web/package.json ./web/
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.mjs scripts/build-web.mjs ./scripts/
COPY client/src ./client/src
COPY web ./web
COPY src ./src
# web/dist is complete by now: only the server's dependencies stay.
RUN node scripts/build.mjs tsconfig.build.json && chmod +x dist/cli.js && npm prune --omit=dev --workspaces=false

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/drivers ./drivers
COPY --from=build /app/dist ./dist
COPY --from=build /app/web/dist ./web/dist
COPY brain ./brain
RUN install -d -o node -g node -m 700 /data
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=64", "dist/main.js"]
