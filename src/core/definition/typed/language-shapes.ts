/** The shapes that the language itself gives: of events, schedules, errors, http answers, instances, and what people answer. */
import type { HumanNode } from '../types.ts';
import { holdsSensitive, SENSITIVE } from './marks.ts';
import { ANY, INTEGER, nullable, ofMembers, ofSchema, type Shape, STRING } from './shape.ts';

export const EVENT = ofMembers({ id: STRING, type: STRING, source: ANY, key: ANY, time: nullable(STRING), data: ANY });
/** An event whose key is marked. */
export const KEYED = ofMembers({ id: ANY, type: ANY, source: ANY, key: SENSITIVE, time: ANY, data: ANY });
export const SCHEDULE = ofMembers({ name: STRING, time: STRING, timeZone: STRING });
export const ERROR = nullable(ofMembers({ code: STRING, message: STRING, details: ANY }));
export const ANSWER = ofMembers({ status: INTEGER, headers: ofSchema({ type: 'object' }), body: ANY });
export const DETACHED = ofMembers({ instanceId: STRING });
export const INSTANCE = ofMembers({
  ...{ id: STRING, businessKey: nullable(STRING), definition: STRING, version: INTEGER, startedAt: STRING },
  startedBy: STRING,
});

/** What completes a task of people. A choice is added to what they give, so that the form alone does not tell the whole. */
export function ofAnswer({ form, outcomes, approvals }: HumanNode): Shape {
  const given = ofSchema(form?.document);
  if (approvals === null && outcomes !== null) return holdsSensitive(given) ? { kind: 'filled', of: ANY, filledBy: given } : ANY;
  if (approvals === null) return given;
  const vote = ofMembers({ by: STRING, at: STRING, outcome: nullable(STRING), output: given, comment: nullable(STRING) });
  return ofMembers({ outcome: nullable(STRING), votes: { kind: 'list', items: vote } });
}
