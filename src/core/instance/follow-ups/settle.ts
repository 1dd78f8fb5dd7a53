/** A scope in which nothing is open any more and nothing is under incident ends: an item, a round, or the instance. */
import type { ScopePath, TaskPath } from '../../ids.ts';
import { boundedMessage, boundedPayload, evaluateTemplate, evaluating } from '../expressions/evaluate.ts';
import { graphOf, rootPath, scopeAt } from '../state/scopes.ts';
import type { OpenScope } from '../state/state.ts';
import type { NewEvent, View } from '../view.ts';

export function settleScope(view: View, path: ScopePath): readonly NewEvent[] {
  const scope = scopeAt(view.state, path);
  if (scope?.status !== 'open' || scope.openCount > 0) return [];
  for (const _ in scope.incidents) return [];
  return endScope(view, scope);
}

function endScope(view: View, scope: OpenScope): readonly NewEvent[] {
  const { output: template } = graphOf(view.definition, scope);
  // Of a child it is told to its parent.
  const bound = scope.path === rootPath && view.state.parent !== undefined ? boundedMessage : boundedPayload;
  const output = evaluating(() => (template === null ? null : bound(view.limits, 'output', evaluateTemplate(view, scope.path, template))));
  if (!output.ok) {
    const { error, expression } = output;
    const incident = { nodeId: scope.loopId, phase: 'output', error, expression } as const;
    return [
      scope.path === rootPath
        ? { type: 'IncidentRaised', path: null, incident }
        : { type: 'IncidentRaised', path: scope.path as string as TaskPath, scope: scope.path, incident },
    ];
  }
  if (scope.path === rootPath) return [{ type: 'InstanceCompleted', output: output.value }];
  return [{ type: 'ScopeEnded', scope: scope.path, status: 'completed', output: output.value, error: null }];
}
