/**
 * Validation of requests. Fastify's own Ajv removes unknown members and converts types by default; both are off here.
 * Only query parameters are converted to numbers and booleans, since they arrive as strings.
 */

import { Ajv } from 'ajv';
import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify';
import type { FieldError } from '../contract/field-errors.ts';
import { parseDuration, parseInstant } from '../core/duration.ts';
import { pointerTo } from '../core/json-pointer.ts';

export function createValidatorCompiler(): FastifySchemaCompiler<object> {
  const strict = makeAjv(false);
  const coercing = makeAjv(true);
  return ({ schema, httpPart }) => (httpPart === 'querystring' ? coercing : strict).compile(schema);
}

function makeAjv(coerceTypes: boolean): Ajv {
  const ajv = new Ajv({ coerceTypes, removeAdditional: false, useDefaults: true, allErrors: true, strict: false });
  // A time without an offset is not an instant.
  ajv.addFormat('date-time', (text) => parseInstant(text) !== undefined);
  ajv.addFormat('duration', (text) => parseDuration(text) !== undefined);
  return ajv;
}

/** @param part of the request: pointers into the body have no prefix, others begin with the part's name. */
export function fieldErrors(errors: readonly FastifySchemaValidationError[], part: string): FieldError[] {
  const prefix = part === 'body' ? '' : `/${part === 'querystring' ? 'query' : part}`;
  // For a union Ajv reports the errors of each branch and one of its own: the first one of a place is enough.
  const seen = new Set<string>();
  return errors.flatMap((error) => {
    const { pointer, message } = describe(error);
    if (seen.has(pointer)) return [];
    seen.add(pointer);
    return [{ pointer: prefix + pointer, message }];
  });
}

function describe({ keyword, instancePath, params, message }: FastifySchemaValidationError): FieldError {
  switch (keyword) {
    case 'additionalProperties':
      return {
        pointer: pointerTo(instancePath, String(params.additionalProperty)),
        message: 'Unknown: there is no such field or parameter.',
      };
    case 'required':
      return { pointer: pointerTo(instancePath, String(params.missingProperty)), message: 'Missing.' };
    case 'format':
      return { pointer: instancePath, message: formatMessage(String(params.format)) };
    default:
      return { pointer: instancePath, message: `The value ${message ?? 'does not fit'}.` };
  }
}

function formatMessage(format: string): string {
  if (format === 'duration') return 'Expected a duration such as `10s`, `5m` or `PT10S`.';
  if (format === 'date-time') return 'Expected an RFC 3339 time with offset, such as `2026-01-31T09:00:00Z`.';
  return `Expected the format ${format}.`;
}
