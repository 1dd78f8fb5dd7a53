/** Writes the TypeScript for what definitions declare: types of handlers, inputs, outputs and answers, and a typed `defineHandlers`. Pure. */
import type { TypedDefinition } from '../core/definition/index.ts';
import { ANY, type Shape } from '../core/definition/typed/shape.ts';
import type { HumanNode, TaskNode } from '../core/definition/types.ts';
import { sha256Hex } from '../core/hash.ts';
import { canonicalJson } from '../core/json.ts';
import { comment, keyOf, literal, Names, pascal } from './names.ts';
import { intersectionOf, TypeTexts, unionOf } from './type-text.ts';

export type Source = TypedDefinition & {
  /** Its version is that of a server, not a placeholder. */
  readonly isDeployed: boolean;
};

type Use = { readonly queue: string; readonly input: string; readonly output: string | null };

/** What the file declares itself, and names of TypeScript that cannot be hidden. */
const RESERVED = ['Json', 'HandlerTypes', 'Handlers', 'handlersOf', 'defineHandler', 'defineHandlers', 'TaskContext'];

/** The same text for the same definitions, whatever their order of keys and the time. */
export function typesOf(sources: readonly Source[]): string {
  const names = new Names(RESERVED);
  const texts = new TypeTexts(names);
  const uses = new Map<string, Use[]>();
  const declared: string[] = [];
  for (const source of sources) declared.push(...definitionTypes(source, names, texts, uses));
  const head = [
    '// Made by `millrace types`. Changes are lost when it is made again.',
    ...sources.map(({ definition: { id, version, document }, isDeployed }) => {
      const hash = sha256Hex(canonicalJson(document));
      return `// ${id}${isDeployed ? ` version ${version}` : ''}, sha256 ${hash}`;
    }),
  ];
  const imports =
    uses.size === 0 ? "import type { Json } from 'millrace/worker';" : "import { handlersOf, type Json } from 'millrace/worker';";
  return [`${head.join('\n')}\n${imports}\n`, ...declared, ...texts.declarations, ...handlerTypes(uses)].join('\n');
}

function definitionTypes(source: Source, names: Names, texts: TypeTexts, uses: Map<string, Use[]>): readonly string[] {
  const { definition, shapes } = source;
  const base = pascal(definition.id);
  const declarations: string[] = [];
  const declare = (wanted: string, text: (name: string) => string, about: string): string => {
    const name = names.take(wanted);
    declarations.push(`${comment(about, '')}export type ${name} = ${text(name)};\n`);
    return name;
  };
  const ofShape = (wanted: string, shape: Shape, about: string): string => declare(wanted, (name) => texts.ofShape(shape, name), about);
  ofShape(`${base}Input`, shapes.input, `Input of an instance of ${definition.id}.`);
  ofShape(`${base}Output`, shapes.output, `What an instance of ${definition.id} gives.`);
  for (const node of definition.nodes.values()) {
    const own = `${base}${pascal(node.id)}`;
    if (node.type === 'human')
      declare(`${own}Answer`, (name) => answerOf(node, texts, name), `What completes the task "${node.id}" of people.`);
    if (node.type !== 'task') continue;
    const input = ofShape(`${own}Input`, shapes.nodeInput(node.id), about(node, 'gets'));
    const schema = node.outputSchema;
    const result =
      schema === null ? null : declare(`${own}Output`, (name) => texts.ofShape(shapes.nodeOutput(node.id), name), about(node, 'gives'));
    uses.set(node.task, [...(uses.get(node.task) ?? []), { queue: node.queue, input, output: result }]);
  }
  return declarations;
}

function about({ id, task }: TaskNode, does: string): string {
  return `What the handler "${task}" ${does} at the node "${id}".`;
}

/** What a person gives; a choice is sent beside it. */
function answerOf({ form }: HumanNode, texts: TypeTexts, name: string): string {
  return form === null ? texts.ofShape(ANY, name) : texts.ofSchema(form.document, name);
}

/** A handler that several nodes name gets any of their inputs, and must give what all of them take. */
function handlerTypes(uses: ReadonlyMap<string, readonly Use[]>): readonly string[] {
  if (uses.size === 0) return [];
  const all = [...uses].sort(([a], [b]) => (a < b ? -1 : 1));
  const members = all.map(([name, each]) => {
    const outputs = each.flatMap(({ output }) => (output === null ? [] : [output]));
    const output = outputs.length === 0 ? 'unknown' : intersectionOf(outputs);
    return `  readonly ${keyOf(name)}: { readonly input: ${unionOf(each.map(({ input }) => input))}; readonly output: ${output} };\n`;
  });
  const queues = all.map(([name, each]) => {
    const [first = '', ...others] = [...new Set(each.map(({ queue }) => queue))];
    const more =
      others.length === 0
        ? ''
        : comment(`Also on ${others.map((queue) => `"${queue}"`).join(', ')}: give \`queue\` to defineHandler.`, '  ');
    return `${more}  ${keyOf(name)}: ${literal(first)},\n`;
  });
  return [
    `/** For each handler what it gets and what it must give. */\nexport type HandlerTypes = {\n${members.join('')}};\n`,
    `/** Typed by the definitions: \`export const handlers = defineHandlers({ … })\`. */\nexport const { defineHandler, defineHandlers } = handlersOf<HandlerTypes>({\n${queues.join('')}});\n`,
  ];
}
