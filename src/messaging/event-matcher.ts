/**
 * Decides whether an event fits a wait (`where`) and makes the message that tells the instance so. The store calls it
 * within the transaction that holds the event's locks, so everything here is pure and bounded by the fuel of expressions.
 */
import { LRUCache } from 'lru-cache';
import { compileExpression, type Expression, ExpressionError, evaluateCondition } from '../core/expression/index.ts';
import type { ExternalEvent } from '../core/external-event.ts';
import type { Json } from '../core/json.ts';
import type { MatchedWait, OutgoingMessage, OutgoingMessages } from './outgoing.ts';

export type Where = { readonly source: string; readonly scope: { readonly [root: string]: Json } };

export type WaitMatcher = {
  /** `failed` holds the reason, for a person: the wait's instance comes under an incident. */
  matches(where: Where, event: ExternalEvent): 'yes' | 'no' | { readonly failed: string };
  encode(wait: MatchedWait, event: ExternalEvent, eventRowId: string, whereError: string | null): OutgoingMessage;
};

const COMPILED_KEPT = 10_000;

export function createWaitMatcher(outgoing: Pick<OutgoingMessages, 'ofMatch'>): WaitMatcher {
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
      // It was deployed once: only an engine that refuses today what it took then comes here.
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

/** An event as expressions see it, and as the output of an `event` node. */
export function eventView({ id, type, source, key, time, data }: ExternalEvent): Json {
  return { id, type, source, key, time: time === null ? null : new Date(time).toISOString(), data };
}
