/**
 * The OpenAPI document, made from the schemas of the routes, and the page that shows it, which loads nothing from other servers. The schema
 * of definitions for editors stands beside it.
 */
import { fastifySwagger } from '@fastify/swagger';
import scalar from '@scalar/fastify-api-reference';
import { definitionSchemaText } from '../editor/definition-schema.ts';
import type { ApiApp } from './context.ts';

export async function addDocs(app: ApiApp): Promise<void> {
  await app.register(fastifySwagger, {
    // Shared schemas keep their names.
    refResolver: { buildLocalReference: ({ $id }, _base, _fragment, index) => (typeof $id === 'string' ? $id : `schema-${index}`) },
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Millrace',
        description:
          'Workflows on Kafka and Postgres. Errors are problem details (RFC 9457) with a `code`, and with a pointer for each error. ' +
          'Unknown fields and parameters are refused. Numbers that a double would change are refused: send them as strings.',
        version: '1',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key.' } } },
      tags: [
        { name: 'definitions', description: 'Deploy and read workflow definitions.' },
        { name: 'instances', description: 'Start, find, follow and control instances.' },
        { name: 'tasks', description: 'Human tasks: the inbox, and acting on tasks.' },
        { name: 'workers', description: 'For workers: inputs and outputs of tasks that are too large for Kafka.' },
        { name: 'events', description: 'Send external events.' },
        { name: 'dead letters', description: 'Messages that could not be processed.' },
      ],
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  app.get('/definition.schema.json', { schema: { hide: true } }, (_request, reply) =>
    reply.type('application/schema+json').send(definitionSchemaText()),
  );
  await app.register(async (docs) => {
    docs.addHook('onRequest', (_request, reply, done) => {
      // The page's own script and style are inline; nothing may be loaded from other servers.
      const policy =
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";
      reply.header('content-security-policy', policy);
      done();
    });
    await docs.register(scalar, {
      routePrefix: '/docs',
      configuration: {
        pageTitle: 'Millrace API',
        url: '/openapi.json',
        withDefaultFonts: false,
        telemetry: false,
        hideClientButton: true,
        // On localhost the tools would offer to upload the document.
        showDeveloperTools: 'never',
        authentication: { preferredSecurityScheme: 'apiKey' },
        agent: { disabled: true },
        mcp: { disabled: true },
      },
    });
  });
}
