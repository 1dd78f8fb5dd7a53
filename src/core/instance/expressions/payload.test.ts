/** What a node may take, give and publish is bounded where it is made, so that its own node comes under incident (language, "Deploy"). */

import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf, step } from '../../definition/testing/documents.ts';
import type { Json } from '../../json.ts';
import { defaultRunLimits } from '../index.ts';
import { incidentsOf } from '../state/scopes.ts';

const { payloadBytes } = defaultRunLimits;
/** As JSON one byte above the limit, with its quotes; a byte less fits. */
const tooLarge = 'x'.repeat(payloadBytes - 1);
const justFits = tooLarge.slice(1);

function incidentOf(document: Json, text: string): Json | undefined {
  const { state } = new Scenario(document, { text });
  return Object.values(incidentsOf(state)).map(({ nodeId, error }) => `${error.code} ${nodeId}: ${error.message}`)[0];
}

const whole = '${ input.text }';
const nodes: readonly (readonly [string, Json, string])[] = [
  ['output of a transform', nodeOf({ ...step, output: whole }), 'output'],
  ['input of a task', nodeOf({ type: 'task', task: 'work', input: whole }), 'input'],
  ['data of an event that is published', nodeOf({ type: 'publish', event: 'e', key: 'k', data: whole }), 'data'],
];

describe('The payload limit', () => {
  it.each(nodes)('holds for the %s', (_, document, field) => {
    expect(incidentOf(document, tooLarge)).toMatch(`MR_VALUE_UNFIT n: \`${field}\` has ${payloadBytes + 1} bytes`);
    expect(incidentOf(document, justFits)).toBeUndefined();
  });

  it('holds for the whole request of an http node', () => {
    const request = nodeOf({ type: 'http', method: 'POST', url: 'https://a.example/', body: whole });
    expect(incidentOf(request, justFits)).toMatch('MR_VALUE_UNFIT n: `request` has');
    expect(incidentOf(request, justFits.slice(200))).toBeUndefined();
  });

  it('holds for the output of the instance', () => {
    const document = graphOf(['n'], [], { output: whole });
    expect(incidentOf(document, tooLarge)).toMatch(`MR_VALUE_UNFIT null: \`output\` has ${payloadBytes + 1} bytes`);
    expect(incidentOf(document, justFits)).toBeUndefined();
  });

  it('counts bytes, not characters', () => {
    const [, document] = nodes[0] ?? ['', null];
    expect(incidentOf(document, 'ü'.repeat(payloadBytes / 2))).toMatch('MR_VALUE_UNFIT');
    expect(incidentOf(document, 'ü'.repeat(payloadBytes / 2 - 1))).toBeUndefined();
  });

  it('leaves nothing of the node behind: no message, no event', () => {
    const scenario = new Scenario(nodeOf({ type: 'publish', event: 'e', key: 'k', data: whole }), { text: tooLarge });
    expect(scenario.effectsOf('publishEvent')).toEqual([]);
    expect(scenario.history.map(({ event }) => event.type)).not.toContain('EventPublished');
  });
});
