/**
 * Decides whether an event fits a wait (`where`) and makes the message that tells the instance so. The store calls it
 * within the transaction that holds the event's locks, so everything here is pure and bounded by the fuel of expressions.
 */
import { LRUCache } from 'lru-cache';
import { compileExpression, type Expression, ExpressionError, evaluateCondition } from '../../core/expression/index.ts';
import { eventView } from '../../core/external-event.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { EventMatcher } from '../../store/instance-store.ts';

const COMPILED_KEPT = 10_000;

export function createEventMatcher(outgoing: Pick<OutgoingMessages, 'ofMatch'>): EventMatcher {
  const compiled = new LRUCache<string, Expression>({ max: COMPILED_KEPT });

  function expressionOf(source: string): Expression | null {
    const known = compiled.get(source);
    if (known !== undefined) return known;
    const made = compileExpression(source);
    if (!made.ok) return null;
    compiled.set(source, made.value);
    return made.value;
  }

  return {
    matches({ source, scope }, event) {
      const expression = expressionOf(source);
      // A deploy has compiled it, so only an engine that has become stricter since gets here.
      if (expression === null) return { failed: 'The condition `where` can no longer be read by this version of the engine.' };
      try {
        return evaluateCondition(expression, { ...scope, event: eventView(event) }) ? 'yes' : 'no';
      } catch (error) {
        if (error instanceof ExpressionError) return { failed: error.message };
        throw error;
      }
    },
    encode: (wait, event, eventRowId, whereError) => outgoing.ofMatch(wait, event, eventRowId, whereError),
  };
}
