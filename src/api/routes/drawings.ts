/**
 * Drawings: of a version of a definition, and of an instance, coloured by what became of its nodes. The headers of every answer keep
 * one that a browser opens from running or loading anything.
 */
import { type TSchema, Type } from 'typebox';
import { strict } from '../../contract/common.ts';
import { type DrawingFormat, drawInParts, drawingFormats, statusesOf } from '../../drawing/index.ts';
import { inTurns } from '../../store/in-turns.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { notFound } from '../problem.ts';
import { findDefinition, findInstance, instanceIdOf } from './lookups.ts';
import { responses, security } from './schemas.ts';

const contentTypes: { readonly [Format in DrawingFormat]: string } = { svg: 'image/svg+xml', mermaid: 'text/vnd.mermaid' };

const Query = Type.Object(
  {
    format: Type.Unsafe<DrawingFormat>({
      enum: [...drawingFormats],
      default: 'svg',
      description: 'An SVG document, or a Mermaid flowchart.',
    }),
  },
  strict,
);

/** A text, whose type says which format it has. */
const Drawing = {
  description: 'The drawing',
  content: Object.fromEntries(Object.values(contentTypes).map((type) => [type, { schema: Type.String() }])),
} as unknown as TSchema;

export function addDrawingRoutes(app: ApiApp, context: RouteContext): void {
  app.get(
    '/definitions/:id/versions/:version/drawing',
    {
      config: { permission: 'read' },
      schema: {
        tags: ['definitions'],
        security,
        operationId: 'drawDefinitionVersion',
        summary: 'A drawing of one version',
        params: Type.Object({ id: Type.String(), version: Type.String() }),
        querystring: Query,
        response: responses({ 200: Drawing }, 404),
      },
    },
    async ({ params, query: { format } }, reply) => {
      if (!/^[1-9][0-9]{0,8}$/.test(params.version))
        throw notFound(`There is no version ${params.version.slice(0, 20)} of ${params.id.slice(0, 130)}.`);
      const definition = await findDefinition(context, params.id, Number(params.version));
      return reply.type(typeOf(format)).send(await inTurns(drawInParts(definition, format)));
    },
  );

  app.get(
    '/instances/:id/drawing',
    {
      config: { permission: 'read' },
      schema: {
        tags: ['instances'],
        security,
        operationId: 'drawInstance',
        summary: 'A drawing of the definition of an instance, coloured by what became of each node',
        params: Type.Object({ id: Type.String() }),
        querystring: Query,
        response: responses({ 200: Drawing }, 404),
      },
    },
    async ({ params, query: { format } }, reply) => {
      const { state } = await findInstance(context, instanceIdOf(params.id));
      const definition = await findDefinition(context, state.definitionId, state.definitionVersion);
      return reply.type(typeOf(format)).send(await inTurns(drawInParts(definition, format, statusesOf(state))));
    },
  );
}

function typeOf(format: DrawingFormat): string {
  return `${contentTypes[format]}; charset=utf-8`;
}
