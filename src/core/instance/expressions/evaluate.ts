/** Evaluates the expressions of nodes. What fails, or gives a value of the wrong shape, is an incident, never a throw out of the core. */
import type { DurationSetting, InstantSetting } from '../../definition/types.ts';
import { parseDuration, parseInstant } from '../../duration.ts';
import { type Expression, ExpressionError, evaluateCondition, type Template } from '../../expression/index.ts';
import type { EpochMs, ScopePath } from '../../ids.ts';
import { type Json, jsonByteLength } from '../../json.ts';
import type { SecretUse } from '../../secrets.ts';
import type { TaskError } from '../state/state.ts';
import type { RunLimits, View } from '../view.ts';
import { namesFor } from './names.ts';

/** A value that an expression gave does not fit its place. */
export class UnfitValueError extends Error {}

export type Evaluated<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: TaskError; readonly expression: string | null };

export function evaluating<T>(evaluate: () => T): Evaluated<T> {
  try {
    return { ok: true, value: evaluate() };
  } catch (error) {
    if (error instanceof ExpressionError)
      return { ok: false, error: { code: error.code, message: error.message }, expression: error.source };
    if (error instanceof UnfitValueError) return { ok: false, error: { code: 'MR_VALUE_UNFIT', message: error.message }, expression: null };
    throw error;
  }
}

export function evaluateTemplate(view: View, scope: ScopePath, template: Template): Json {
  return template.evaluate(template.isConstant ? {} : namesFor(view, scope, template.references), view);
}

/** Together with the places at which a worker puts secrets. */
export type WithSecrets = { readonly value: Json; readonly secrets: readonly SecretUse[] };

export function evaluateWithSecrets(view: View, scope: ScopePath, template: Template): WithSecrets {
  const secrets: SecretUse[] = [];
  const value = template.evaluate(template.isConstant ? {} : namesFor(view, scope, template.references), { secrets, meter: view.meter });
  return { value, secrets };
}

export function holds(view: View, scope: ScopePath, condition: Expression, vars = view.state.vars): boolean {
  return evaluateCondition(condition, namesFor(view, scope, condition.references, vars), view);
}

/** A value is bounded where it is made, so that the node that made it comes under the incident. */
export function boundedPayload({ payloadBytes }: RunLimits, field: string, value: Json): Json {
  return bounded(payloadBytes, field, value);
}

/** As `boundedPayload`, for what will be sent in a message. */
export function boundedMessage({ payloadBytes, messageBytes = payloadBytes }: RunLimits, field: string, value: Json): Json {
  return bounded(messageBytes, field, value);
}

function bounded(bytesMax: number, field: string, value: Json): Json {
  const bytes = jsonByteLength(value);
  if (bytes <= bytesMax) return value;
  throw new UnfitValueError(`\`${field}\` has ${bytes} bytes as JSON, but may have at most ${bytesMax}: pass a reference to the data.`);
}

/** @param minMs of one that an expression gives; the others were checked at deploy. */
export function durationMs(view: View, scope: ScopePath, setting: DurationSetting, minMs = 1): number {
  if (setting.kind === 'constant') return setting.ms;
  const value = evaluateTemplate(view, scope, setting.template);
  const ms = typeof value === 'string' ? parseDuration(value) : undefined;
  if (ms === undefined) throw new UnfitValueError('A duration must be a string such as `30s`, `5m`, `2d` or ISO 8601.');
  if (ms < minMs) throw new UnfitValueError('A duration must be longer than zero here.');
  return ms;
}

export function instantAt(view: View, scope: ScopePath, setting: InstantSetting): EpochMs {
  if (setting.kind === 'constant') return setting.at;
  const value = evaluateTemplate(view, scope, setting.template);
  const at = typeof value === 'string' ? parseInstant(value) : undefined;
  if (at === undefined) throw new UnfitValueError('A time must be an RFC 3339 string with an offset, such as `2026-01-31T09:00:00Z`.');
  return at;
}

/** With names that only this place knows. */
export function holdsWith(view: View, scope: ScopePath, condition: Expression, names: Readonly<Record<string, Json>>): boolean {
  return evaluateCondition(condition, { ...namesFor(view, scope, condition.references), ...names }, view);
}
