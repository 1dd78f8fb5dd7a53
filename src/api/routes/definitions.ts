/**
 * Deploying and reading definitions. A deploy first makes sure that everything its instances need exists: the topics and
 * subjects of its queues, and the event types that the correlator must keep.
 */
import { Type } from 'typebox';
import { JsonValue, NoQuery, PageQuery, strict } from '../../contract/common.ts';
import type * as contract from '../../contract/definitions.ts';
import { DefinitionDetail, DefinitionPage, DefinitionVersion, Deployed, Validation } from '../../contract/definitions.ts';
import { firstErrors } from '../../contract/field-errors.ts';
import { breakingChanges, definitionChildren, definitionEventTypes, definitionQueues, nodePointerOf } from '../../core/definition/index.ts';
import type { Definition, DefinitionError } from '../../core/definition/types.ts';
import { type DefinitionId, parseDefinitionId } from '../../core/ids.ts';
import { canonicalJson, isJsonObject, type Json } from '../../core/json.ts';
import { deployedTriggers } from '../../engine/trigger/deployed-triggers.ts';
import type { DefinitionStore, StoredDefinition } from '../../store/definition-store.ts';
import { keyOf } from '../auth.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { breaksOfCallers, knownChildren } from '../deployed-children.ts';
import { toText } from '../instance-view.ts';
import { ApiProblem, notFound } from '../problem.ts';
import { responses, security } from './schemas.ts';

const VERSION_MAX = 2_147_483_647;

export function addDefinitionRoutes(app: ApiApp, context: RouteContext): void {
  const { definitions, queries } = context.ports;
  const common = { tags: ['definitions'], security };

  app.post(
    '/definitions',
    {
      config: { permission: 'deploy', takesUnsafeStrings: true },
      schema: {
        ...common,
        operationId: 'deployDefinition',
        summary: 'Deploy a definition',
        description:
          'The body is the definition. The same content gets the same version (200); a change makes the next one (201). A version whose `input` refuses values that the latest version accepts, or that breaks a definition which runs it as a child, is refused, unless `allowBreaking` is true.',
        querystring: Type.Object({ allowBreaking: Type.Optional(Type.Boolean({ description: 'Default false.' })) }, strict),
        body: JsonValue,
        response: responses({ 200: Deployed, 201: Deployed }, 409, 413, 422),
      },
    },
    async (request, reply) => {
      const answer = await deploy(context, request.body, keyOf(request).subject, request.query.allowBreaking ?? false);
      return reply.code(answer.created ? 201 : 200).send(answer);
    },
  );

  app.post(
    '/definitions/validate',
    {
      config: { permission: 'start', takesUnsafeStrings: true },
      schema: {
        ...common,
        operationId: 'validateDefinition',
        summary: 'Check a definition without deploying it',
        querystring: NoQuery,
        body: JsonValue,
        response: responses({ 200: Validation }, 413, 422),
      },
    },
    async (request) => {
      const checked = await check(context, request.body);
      return { valid: checked.errors.length === 0, ...firstErrors(checked.errors), warnings: [...(checked.definition?.warnings ?? [])] };
    },
  );

  app.get(
    '/definitions',
    {
      config: { permission: 'read' },
      schema: {
        ...common,
        operationId: 'listDefinitions',
        summary: 'Definitions with their latest version',
        querystring: Type.Object(PageQuery, strict),
        response: responses({ 200: DefinitionPage }),
      },
    },
    async ({ query: { limit, cursor = null } }) => {
      const { items, nextCursor } = await definitions.list(limit, cursor);
      return {
        items: items.map(({ id, latestVersion, versions, deployedAt, title, description, labels }) => ({
          ...{ id, latestVersion, versions, deployedAt: toText(deployedAt) },
          ...{ title, description, labels },
        })),
        nextCursor,
      };
    },
  );

  app.get(
    '/definitions/:id',
    {
      config: { permission: 'read' },
      schema: {
        ...common,
        operationId: 'getDefinition',
        summary: 'The latest version, and a summary of each',
        params: Type.Object({ id: Type.String() }),
        querystring: NoQuery,
        response: responses({ 200: DefinitionDetail }, 404),
      },
    },
    async ({ params }) => {
      const id = definitionIdOf(params.id);
      const [latest, versions] = await Promise.all([definitions.get(id, 'latest'), definitions.versions(id)]);
      if (latest === null) throw notFound(`There is no definition ${id}.`);
      return {
        ...toVersion(latest),
        versions: versions.map(({ version, contentHash, deployedAt, deployedBy }) => ({
          ...{ version, contentHash, deployedBy },
          deployedAt: toText(deployedAt),
        })),
      };
    },
  );

  app.get(
    '/definitions/:id/versions/:version',
    {
      config: { permission: 'read' },
      schema: {
        ...common,
        operationId: 'getDefinitionVersion',
        summary: 'One version',
        params: Type.Object({ id: Type.String(), version: Type.String() }),
        querystring: NoQuery,
        response: responses({ 200: DefinitionVersion }, 404),
      },
    },
    async ({ params }) => {
      const id = definitionIdOf(params.id);
      const version = /^[1-9][0-9]{0,9}$/.test(params.version) ? Number(params.version) : 0;
      const stored = version >= 1 && version <= VERSION_MAX ? await definitions.get(id, version) : null;
      if (stored === null) throw notFound(`There is no version ${params.version.slice(0, 20)} of ${id}.`);
      return toVersion(stored);
    },
  );

  async function deploy({ ports, latest }: RouteContext, document: Json, by: string, allowBreaking: boolean): Promise<contract.Deployed> {
    const { definition, errors } = await check(context, document);
    if (definition === null)
      throw new ApiProblem('MR_DEFINITION_INVALID', `The definition has ${errors.length === 1 ? 'an error' : `${errors.length} errors`}.`, {
        errors,
      });
    const contentHash = ports.sha256(canonicalJson(document));
    if (!allowBreaking) await refuseBreaking(definition.id, document, contentHash);
    await ports.ensureQueues(definitionQueues(definition));
    await ports.instances.registerEventTypes(definitionEventTypes(definition));
    const { id } = definition;
    const { version, created } = await definitions.deploy(id, document, contentHash, by);
    // Before the answer, and again at each repeat: the process may have died between the two.
    await ports.instances.deployTriggers(deployedTriggers(definition, version));
    if (created) latest.deployed(id, version);
    const running = await queries.runningByVersion(id);
    return { id, version, created, runningByVersion: running.map((each) => ({ ...each })), warnings: [...definition.warnings] };
  }

  async function refuseBreaking(id: DefinitionId, document: Json, contentHash: string): Promise<void> {
    const latest = await definitions.get(id, 'latest');
    if (latest === null || latest.contentHash === contentHash) return;
    const refused = breakingChanges(inputOf(latest.document), inputOf(document));
    const broken = await breaksOfCallers(latest, document, definitions);
    const changes = [...refused, ...broken];
    if (changes.length === 0) return;
    const what =
      refused.length > 0
        ? `The new version refuses input that version ${latest.version} accepts: accept it too`
        : 'The new version breaks definitions that run it as a child: keep what they send and read';
    throw new ApiProblem('MR_DEFINITION_BREAKING', `${what}, or deploy with "allowBreaking" once the callers have changed.`, {
      errors: changes.map((change) => ({ ...change, code: 'MR_DEFINITION_BREAKING' })),
    });
  }
}

function inputOf(document: Json): Json | undefined {
  return isJsonObject(document) ? document.input : undefined;
}

type Checked =
  | { readonly definition: Definition; readonly errors: readonly [] }
  | { readonly definition: null; readonly errors: readonly DefinitionError[] };

/** All errors at once: those of the language, and what this installation does not allow. */
async function check({ ports, limits, publishTopics }: RouteContext, document: Json): Promise<Checked> {
  const bytes = Buffer.byteLength(JSON.stringify(document));
  if (bytes > limits.definitionBytes)
    throw new ApiProblem('MR_DEFINITION_TOO_LARGE', `The definition has ${bytes} bytes; at most ${limits.definitionBytes} are allowed.`);
  // The database assigns the version later; no check depends on it.
  const children = await knownChildren(document, ports.definitions);
  const parsed = await ports.parseDefinition(document, { version: 1, children });
  if (!parsed.ok) return { definition: null, errors: parsed.error };
  const definition = parsed.value;
  const errors = [...unlistedTopics(definition, publishTopics), ...(await unknownChildren(definition, ports.definitions))];
  return errors.length === 0 ? { definition, errors: [] } : { definition: null, errors };
}

/** Children must be deployed before those that run them; a child of the definition itself comes with it. */
async function unknownChildren(definition: Definition, definitions: Pick<DefinitionStore, 'get'>): Promise<DefinitionError[]> {
  const errors: DefinitionError[] = [];
  for (const { nodeId, id, version } of definitionChildren(definition)) {
    const isOwn = id === definition.id && version === null;
    if (isOwn || (await definitions.get(id, version ?? 'latest')) !== null) continue;
    const pointer = `${nodePointerOf(nodeId, definition)}/${version === null ? 'definition' : 'version'}`;
    const what = version === null ? `no definition ${id}` : `no version ${version} of ${id}`;
    errors.push({ pointer, code: 'MR_DEF_UNKNOWN_DEFINITION', message: `There is ${what}: deploy the child first.` });
  }
  return errors;
}

function unlistedTopics(definition: Definition, allowed: readonly string[]): DefinitionError[] {
  return [...definition.nodes.values()].flatMap((node) => {
    if (node.type !== 'publish' || node.topic === null || allowed.includes(node.topic)) return [];
    const message = `No node may publish to the topic ${node.topic}. Add it to MILLRACE_PUBLISH_TOPICS, or use another topic.`;
    return [{ pointer: `${nodePointerOf(node.id)}/topic`, code: 'MR_DEF_TOPIC_NOT_ALLOWED', message }];
  });
}

function definitionIdOf(text: string): DefinitionId {
  const id = parseDefinitionId(text);
  if (id === undefined) throw notFound(`There is no definition ${text.slice(0, 130)}.`);
  return id;
}

function toVersion({ id, version, document, contentHash, deployedAt, deployedBy }: StoredDefinition): contract.DefinitionVersion {
  return { id, version, document, contentHash, deployedAt: toText(deployedAt), deployedBy };
}
