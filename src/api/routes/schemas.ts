/** Parts of the schemas that all routes share. */
import type { TSchema } from 'typebox';
import { Problem } from '../../contract/problem.ts';

/** Responses of a route: its own, and problem details with these statuses. */
export function responses<Own extends { readonly [status: number]: TSchema }>(own: Own, ...problems: readonly number[]) {
  const all = [400, 401, 403, ...problems, 429, 500, 503];
  return { ...own, ...Object.fromEntries(all.map((status) => [status, problemResponse])) } as Own;
}

/** A reference, because every route has it for many statuses. */
const problemResponse = { description: 'Problem', content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } } };

/** The schemas that `$ref` refers to. */
export const sharedSchemas = [{ $id: 'Problem', ...Problem }];

export const security = [{ apiKey: [] }];
