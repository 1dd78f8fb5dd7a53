/**
 * A running instance moves to another version of its definition, wherever it stands, or stays where it is with every reason why.
 * What is open stays as it was opened: its path, attempt, basis, input and deadlines, so that whatever is in flight still fits. From
 * then on the new version decides, and it is part of every new basis.
 */
import { invariant } from '../../assert.ts';
import type { Definition } from '../../definition/types.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { type InParts, toEnd } from '../../parts.ts';
import type { CommandIssued } from '../decide/notification.ts';
import type { Rejection } from '../decide/rejection.ts';
import { evaluateTemplate, evaluating } from '../expressions/evaluate.ts';
import { graphOf, openScopes, rootPath, taskPathOf } from '../state/scopes.ts';
import type { InstanceState } from '../state/state.ts';
import type { MigrationVerdict, NewEvent, View } from '../view.ts';
import { judgeArrivals, judgePassed, type Site } from './graph-verdict.ts';
import { Reasons, textOfReasons } from './reasons.ts';
import { standingOf } from './standing.ts';
import { judgeTasks, type Move } from './task-verdict.ts';
import { judgeUndoing } from './undo-verdict.ts';

type Migrate = CommandIssued['command'] & { readonly type: 'migrate' };

/** How many nodes of scopes are looked at in one part. */
const NODES_AT_ONCE = 1_000;
/** A scope costs as much as so many nodes. */
const OF_SCOPE = 4;

/** Everything that speaks against it at once. Changes nothing. Throws ScopesNeeded unless all scopes are loaded. */
export function* judgeMigration(view: View, target: Definition): InParts<MigrationVerdict> {
  const { state, definition: source } = view;
  // More people see the reasons than may see marked values, which can be names of members too.
  const reasons = new Reasons(source.marks !== null || target.marks !== null);
  const standing = standingOf(state, target.version);
  if (standing !== null) return { reasons: [{ pointer: '', message: standing.reason }], skipped: [], vars: {} };
  const move = { source, target };
  judgeInput(state, target, reasons);
  const skipped: MigrationVerdict['skipped'][number][] = [];
  let looked = 0;
  for (const scope of openScopes(state)) {
    judgeTasks(move, scope, reasons);
    const site = siteOf(move, scope);
    if (site === null) continue;
    judgeArrivals(site, reasons);
    for (const node of judgePassed(site, reasons))
      skipped.push({ type: 'NodeSkipped', path: taskPathOf(scope.path, node), nodeId: node.id, kind: node.type });
    looked += site.target.nodes.size + OF_SCOPE;
    if (looked < NODES_AT_ONCE) continue;
    looked = 0;
    yield;
  }
  judgeUndoing(state, move, reasons);
  const vars = newVars(view, target, reasons);
  return { reasons: reasons.all, skipped, vars };
}

/** null: the target has no such loop, which its task says. */
function siteOf({ source, target }: Move, scope: Site['scope']): Site | null {
  if (scope.loopId === null) return { scope, source: source.root, target: target.root, definition: target };
  const loop = target.nodes.get(scope.loopId);
  return loop?.type === 'forEach' || loop?.type === 'repeat'
    ? { scope, source: graphOf(source, scope), target: loop.body, definition: target }
    : null;
}

function judgeInput({ input }: InstanceState, target: Definition, reasons: Reasons): void {
  for (const { pointer, message } of target.input?.compiled.validate(input) ?? [])
    reasons.add('/input', 'The input of the instance does not fit.', `${pointer || '/'}: ${message}`);
}

/** Those that are there keep their values. */
function newVars(view: View, target: Definition, reasons: Reasons): JsonObject {
  const { state, versions, now, limits, arrivals, meter } = view;
  const declared = isJsonObject(target.document) ? target.document.vars : undefined;
  const isNew = (name: string) => !Object.hasOwn(state.vars, name);
  if (declared === undefined || !isJsonObject(declared) || !Object.keys(declared).some(isNew)) return {};
  const there: View = { definition: target, versions, state, now, limits, arrivals, meter };
  const given = evaluating(() => evaluateTemplate(there, rootPath, target.vars));
  if (!given.ok) {
    reasons.add('/vars', 'The first values of its variables cannot be evaluated.', given.error.message);
    return {};
  }
  return isJsonObject(given.value) ? Object.fromEntries(Object.entries(given.value).filter(([name]) => isNew(name))) : {};
}

/** The verdict as the answer to a command. */
export function refusalOfMigration(view: View, { version }: Migrate): Rejection | null {
  const target = view.versions.get(version);
  if (target === undefined) {
    const reason = `Version ${version} of ${view.state.definitionId} was never deployed, or this version of the engine cannot read it.`;
    return { code: 'MR_MIGRATION_REFUSED', reason };
  }
  const { reasons } = view.judged ?? toEnd(judgeMigration(view, target));
  return reasons.length === 0 ? null : { code: 'MR_MIGRATION_REFUSED', reason: textOfReasons(reasons) };
}

/** For a command that is not refused. */
export function migrate(view: View, { version, reason }: Migrate, who: Pick<CommandIssued, 'by' | 'commandId'>): readonly NewEvent[] {
  const target = view.versions.get(version);
  invariant(target !== undefined, 'the version was judged');
  const { skipped, vars } = view.judged ?? toEnd(judgeMigration(view, target));
  return [{ type: 'InstanceMigrated', fromVersion: view.state.definitionVersion, toVersion: version, vars, reason, ...who }, ...skipped];
}
