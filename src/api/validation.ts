/**
 * Validation of requests: fastify's own Ajv strips unknown members and turns types into each other by default, and that is
 * off here. Only query strings are read as numbers and so on, since all they have is text.
 */
import { Ajv } from 'ajv';
import type { FastifySchemaCompiler } from 'fastify';
import { parseDuration, parseInstant } from '../core/duration.ts';
import type { ProblemFault } from './wire/problem.ts';

/** What Ajv says of one fault. */
export type ValidationFault = {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Record<string, unknown>;
  readonly message?: string;
};

export function createValidatorCompiler(): FastifySchemaCompiler<object> {
  const strict = makeAjv(false);
  const coercing = makeAjv(true);
  return ({ schema, httpPart }) => (httpPart === 'querystring' ? coercing : strict).compile(schema);
}

function makeAjv(coerceTypes: boolean): Ajv {
  const ajv = new Ajv({ coerceTypes, removeAdditional: false, useDefaults: true, allErrors: true, strict: false });
  // Times without an offset name no instant.
  ajv.addFormat('date-time', (text) => parseInstant(text) !== undefined);
  ajv.addFormat('duration', (text) => parseDuration(text) !== undefined);
  return ajv;
}

/** @param part of the request; pointers go into the body as they are, others are named. */
export function faultsOf(faults: readonly ValidationFault[], part: string): ProblemFault[] {
  const prefix = part === 'body' ? '' : `/${part === 'querystring' ? 'query' : part}`;
  // A union says each of its branches' faults, and then its own: the first of a place tells enough.
  const seen = new Set<string>();
  return faults.flatMap((fault) => {
    const { pointer, message } = describeFault(fault);
    if (seen.has(pointer)) return [];
    seen.add(pointer);
    return [{ pointer: prefix + pointer, message }];
  });
}

function describeFault({ keyword, instancePath, params, message }: ValidationFault): ProblemFault {
  switch (keyword) {
    case 'additionalProperties':
      return {
        pointer: `${instancePath}/${escapePointer(String(params.additionalProperty))}`,
        message: 'Unknown: there is no such field or parameter.',
      };
    case 'required':
      return { pointer: `${instancePath}/${escapePointer(String(params.missingProperty))}`, message: 'Missing.' };
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

export function escapePointer(member: string): string {
  return member.replaceAll('~', '~0').replaceAll('/', '~1');
}
