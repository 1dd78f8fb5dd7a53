# One image for every process of Millrace: `docker run millrace api`, `… orchestrator`, `… task-consumer`, `… migrate`.
# Node runs the TypeScript sources as they are, so nothing is built.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 MILLRACE_HOME=/var/lib/millrace
WORKDIR /app
# Where the API keeps the bootstrap key when none is given.
RUN install -d -o node -g node -m 700 /var/lib/millrace \
 && printf '#!/bin/sh\nexec node /app/src/cli/main.ts "$@"\n' >/usr/local/bin/millrace \
 && chmod 755 /usr/local/bin/millrace
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY connect ./connect
COPY src ./src
COPY examples ./examples
COPY stack/containers/healthcheck.mjs ./healthcheck.mjs
USER node
EXPOSE 8080 9464
# Ready, not only alive: a process that waits for a broker takes no work.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["node", "/app/healthcheck.mjs"]
ENTRYPOINT ["millrace"]
CMD ["--help"]
