/** Whether an event fits the `where` of a wait that is open: asked of the event, and of the values that were frozen when the wait opened. */
import { compileExpression, ExpressionError, evaluateCondition, ROOTS } from '../../expression/index.ts';
import { type ExternalEvent, eventView } from '../../external-event.ts';
import type { EventWaiting } from '../../instance/state/state.ts';

/** A condition that fails is an incident of the wait, so its reason is told. */
export type WhereVerdict = 'yes' | 'no' | { readonly failed: string };

export function askWhere({ source, scope }: NonNullable<EventWaiting['where']>, event: ExternalEvent): WhereVerdict {
  // In the body of a forEach the author's own name for the item is a root too.
  const compiled = compileExpression(source, { roots: [...new Set([...ROOTS, ...Object.keys(scope)])] });
  // The deploy compiled it, so this happens only in a later version of the engine that is stricter.
  if (!compiled.ok) return { failed: 'The condition `where` can no longer be read by this version of the engine.' };
  try {
    return evaluateCondition(compiled.value, { ...scope, event: eventView(event) }) ? 'yes' : 'no';
  } catch (error) {
    if (error instanceof ExpressionError) return { failed: error.message };
    throw error;
  }
}
