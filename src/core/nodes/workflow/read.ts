/** Reads a `workflow` node: it runs another definition as a child. */
import { shown } from '../../definition/errors.ts';
import type { WorkflowNode } from '../../definition/types.ts';
import { type DefinitionId, parseDefinitionId } from '../../ids.ts';
import type { FailureEnding } from '../common/failure-ending.ts';
import { type NodeContext, opening, readCommon, readDuration } from '../common/node-context.ts';

const VERSION_MAX = 2_147_483_647;

export function readWorkflow(context: NodeContext): WorkflowNode {
  const { reader, expressions } = context;
  reader.required('definition', 'the id of the definition that the child runs');
  const detached = reader.boolean('detached') ?? false;
  const timeout = readDuration(context, 'timeout');
  if (detached && timeout !== null)
    reader.errors.add(
      reader.at('timeout'),
      'MR_DEF_SHAPE',
      'A detached child is not waited for, so "timeout" has no meaning here: leave it out, or give the definition of the child a timeout.',
    );
  return {
    ...readCommon(context),
    type: 'workflow',
    definition: readDefinition(context),
    version: readVersion(context),
    input: expressions.template(reader.raw('input') ?? {}, reader.at('input'), opening(context)),
    detached,
    timeout,
  };
}

function readDefinition({ reader }: NodeContext): DefinitionId {
  const text = reader.string('definition');
  const placeholder = 'placeholder' as DefinitionId;
  if (text === undefined) return placeholder;
  if (text.includes('${')) {
    const message = '"definition" must be written out, without expressions, so that a deploy knows it.';
    reader.errors.add(reader.at('definition'), 'MR_DEF_LITERAL', message);
    return placeholder;
  }
  const id = parseDefinitionId(text);
  if (id !== undefined) return id;
  const message = `${shown(text)} cannot be the id of a definition: a letter, then letters, digits and _ . -, at most 128 characters.`;
  reader.errors.add(reader.at('definition'), 'MR_DEF_ID', message);
  return placeholder;
}

/** @returns null for the latest one. */
function readVersion({ reader }: NodeContext): number | null {
  const value = reader.raw('version');
  if (value === undefined || value === 'latest') return null;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= VERSION_MAX) return value;
  reader.refuse('version', 'the number of a version, or "latest"');
  return null;
}

export function whyWorkflowNeverEnds({ name, detached, timeout }: WorkflowNode, on: FailureEnding): string | null {
  if (detached && on !== 'timedOut' && on !== 'failed') return `"${name}" is detached, so it completes as soon as its child is asked for.`;
  if (detached) return `"${name}" is detached, so it neither fails nor times out.`;
  return on === 'timedOut' && timeout === null ? `"${name}" has no "timeout".` : null;
}
