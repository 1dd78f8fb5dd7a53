/**
 * JSON Schema (draft 2020-12) for inputs, forms and outputs of definitions. Schemas come from whoever deploys, so they are
 * bounded in size, refer to nothing outside of themselves, their patterns run on RE2, and each validation has a budget.
 * Nothing is coerced, filled in or removed.
 */
import type { ValidateFunction } from 'ajv/dist/2020.js';
import type { Json } from '../json.ts';
import { type InParts, toEnd } from '../parts.ts';
import { err, ok, type Result } from '../result.ts';
import { explain } from './explain.ts';
import { OutOfFuel, withFuel } from './fuel.ts';
import { metaErrors } from './meta.ts';
import type { CompiledSchema, SchemaError } from './types.ts';
import { createAjv, formatNames } from './validator.ts';
import { type SchemaLimits, storedSchemaLimits, walkSchema } from './walk.ts';

export type { CompiledSchema, SchemaError } from './types.ts';
export { boundsError, type SchemaLimits, storedSchemaLimits } from './walk.ts';

/** Evaluations of a schema or a part of it that one validation may take, and names and values that they compare with. */
const FUEL = 300_000;
/** For the second pass, which finds all errors and keeps them in memory; smaller for that reason. */
const FUEL_FOR_ALL = 20_000;

/** @param limits default: those of schemas that were deployed before. */
export function compileSchema(schema: Json, limits: SchemaLimits = storedSchemaLimits): Result<CompiledSchema, readonly SchemaError[]> {
  const walked = walkSchema(schema, formatNames, limits);
  // A schema that is too large is not checked any further.
  const errors = walked.isBounded ? distinct([...metaErrors(schema), ...walked.errors]) : walked.errors;
  if (errors.length > 0) return err(errors);
  try {
    const isValid = compileWith(walked.schema, { allErrors: false });
    const validateInParts = (value: Json) => inParts(value, isValid, walked.schema);
    return ok({ validate: (value) => toEnd(validateInParts(value)), validateInParts });
  } catch (error) {
    // The validator throws for errors that only compiling finds: a reference to nothing, or a keyword without the one it needs.
    if (error instanceof Error && !error.message.startsWith('Bug:')) return err([{ pointer: '', message: compileSentence(error) }]);
    throw error;
  }
}

function compileWith(schema: Json, options: { readonly allErrors: boolean }): ValidateFunction {
  return createAjv(options).compile(typeof schema === 'boolean' ? schema : (schema as { [key: string]: Json }));
}

/** The first pass ends at the first error. Only a value that is wrong gets a second pass, which finds all errors. */
function* inParts(value: Json, isValid: ValidateFunction, schema: Json): InParts<readonly SchemaError[]> {
  const first = errorsOf(value, isValid, FUEL);
  if (first.length === 0 || isGivenUp(first)) return first;
  yield;
  const findAll = allErrorsOf(isValid, schema);
  yield;
  const all = errorsOf(value, findAll, FUEL_FOR_ALL);
  return all.length > 0 && !isGivenUp(all) ? all : first;
}

const GIVEN_UP: readonly SchemaError[] = [
  { pointer: '', message: 'Checking the value takes more work than is allowed: send less data, or make the schema simpler.' },
];

function isGivenUp(errors: readonly SchemaError[]): boolean {
  return errors === GIVEN_UP;
}

function errorsOf(value: Json, check: ValidateFunction, fuel: number): readonly SchemaError[] {
  try {
    return withFuel(fuel, () => check(value)) === true ? [] : explain(check.errors ?? []);
  } catch (error) {
    // A deeply nested schema or value may use up the stack before the fuel.
    if (error instanceof OutOfFuel || error instanceof RangeError) return GIVEN_UP;
    throw error;
  } finally {
    // The validator keeps them until its next call: of a large value a hundred megabytes.
    check.errors = null;
  }
}

/** Compiled when a value is wrong for the first time. */
const forAll = new WeakMap<ValidateFunction, ValidateFunction>();

function allErrorsOf(isValid: ValidateFunction, schema: Json): ValidateFunction {
  let all = forAll.get(isValid);
  if (all === undefined) {
    all = compileWith(schema, { allErrors: true });
    forAll.set(isValid, all);
  }
  return all;
}

/** The first for each place. */
function distinct(errors: readonly SchemaError[]): readonly SchemaError[] {
  const pointers = new Set<string>();
  return errors.filter(({ pointer }) => {
    const isNew = !pointers.has(pointer);
    pointers.add(pointer);
    return isNew;
  });
}

function compileSentence({ message }: Error): string {
  const text = message.replace(/^strict mode: /, '').slice(0, 300);
  return `The schema cannot be compiled: ${text}.`;
}
