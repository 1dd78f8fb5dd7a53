/** The largest definitions are compiled in parts, and the dearest values are checked within a budget: no clock is needed to see it. */
import { describe, expect, it } from 'vitest';
import { createParsing, defaultDefinitionLimits } from '../../src/core/definition/index.ts';
import { compileSchema } from '../../src/core/schema/index.ts';
import { dearValues, type Largest, largestDefinitions } from '../hostile/largest.ts';

const GIVEN_UP = 'Checking the value takes more work than is allowed: send less data, or make the schema simpler.';

describe('A definition', () => {
  it.each(largestDefinitions)('with $name is read or refused', ({ document, isRefused }: Largest) => {
    const goOn = createParsing(document, { version: 1 });
    let parsed = goOn();
    for (let parts = 1; parsed === null; parsed = goOn()) expect(++parts).toBeLessThan(100);
    expect(parsed.ok, JSON.stringify(parsed).slice(0, 500)).toBe(isRefused !== true);
  });
});

describe('A schema and a value', () => {
  it.each(dearValues)('of $name end', ({ schema, value, isGivenUp }) => {
    const compiled = compileSchema(schema, defaultDefinitionLimits.schema);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
    const messages = compiled.value.validate(value).map(({ message }) => message);
    expect(messages.includes(GIVEN_UP)).toBe(isGivenUp === true);
  });
});
