/**
 * Decides a start without writing it. Every start goes through this function, whoever wants it: a caller of the API, a trigger
 * in the transaction that consumes its event or time, or a parent. So each is refused for the same reasons in the same words, and
 * the first task of each carries what a worker needs to go on after it.
 */
import { uuidv7 } from 'uuidv7';
import type { Definition } from '../../core/definition/types.ts';
import type { EpochMs, InstanceId } from '../../core/ids.ts';
import { type RunLimits, startInParts } from '../../core/instance/index.ts';
import type { TaskError } from '../../core/instance/state/state.ts';
import type { StartInstance } from '../../core/instance/step.ts';
import type { Json } from '../../core/json.ts';
import { type InParts, toEnd } from '../../core/parts.ts';
import type { SchemaError } from '../../core/schema/index.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { Start } from '../../store/instance-store.ts';
import { heldChange } from '../continuation/hold.ts';
import { type DirectDispatch, type DirectTask, directTasks, HELD_MAX } from '../direct/direct-dispatch.ts';
import { continuationWith, transitionInParts } from '../transition.ts';

export type DecidingDependencies = {
  readonly outgoing: Pick<OutgoingMessages, 'ofEffects' | 'partitionOf'>;
  /** The instance database's clock. */
  readonly now: () => EpochMs;
  readonly limits: RunLimits;
  /** As in `ProcessingDependencies`. */
  readonly continuation?: boolean;
};

/** The input has to be within the limit of payloads, and is not checked yet. Who wants a child gives its id and `child`. */
export type WantedStart = Omit<StartInstance, 'instanceId'> & { readonly instanceId?: InstanceId };

export type StartRefused =
  | { readonly kind: 'inputInvalid'; readonly errors: readonly { readonly pointer: string; readonly message: string }[] }
  /** The definition's `vars` or `timeout` cannot be evaluated for this input. */
  | { readonly kind: 'refused'; readonly error: TaskError };

/** How many of its errors are told of an input that does not fit. */
const ERRORS_TOLD_MAX = 5;

export type DecidedStart = {
  readonly start: Start['transition'];
  /** Tasks that it holds, to be sent once it is written. */
  readonly direct: readonly DirectTask[];
};

export function* inputErrorsInParts({ input: schema }: Definition, input: Json): InParts<readonly SchemaError[]> {
  return schema === null ? [] : yield* schema.compiled.validateInParts(input);
}

/**
 * @param direct only where the start is caused by a record of the instance's own partition, which is so read again.
 * @param known errors of the input, where whoever calls has checked it already.
 */
export function decideStart(...given: Parameters<typeof decideStartInParts>): DecidedStart | StartRefused {
  return toEnd(decideStartInParts(...given));
}

/** As `decideStart`. */
export function* decideStartInParts(
  { outgoing, now, limits, continuation = false }: DecidingDependencies,
  definition: Definition,
  wanted: WantedStart,
  direct: DirectDispatch | null = null,
  known: readonly SchemaError[] | null = null,
): InParts<DecidedStart | StartRefused> {
  const errors = known ?? (yield* inputErrorsInParts(definition, wanted.input));
  if (errors.length > 0) return { kind: 'inputInvalid', errors };
  // UUIDv7 in lower case. The partition and the payload depend on it.
  const { instanceId = uuidv7() as InstanceId } = wanted;
  const started = yield* startInParts(definition, { ...wanted, instanceId }, now(), limits);
  if (!started.ok) return { kind: 'refused', error: started.error.error };
  const continued = continuation && definition.continuation ? definition : undefined;
  const { state, effects: meant } = started.value;
  const travelling = continuationWith(continued, state, meant);
  const opened = direct?.hasRoom === true ? meant.filter((effect) => effect.type === 'dispatchTask').slice(0, HELD_MAX) : [];
  const sent = directTasks(outgoing, state, opened, travelling);
  const added = Array.from(sent.values(), ({ task }) => task);
  const written = { ...started.value, effects: meant.filter((effect) => !sent.has(effect)) };
  const options = { continuation: travelling, held: heldChange([], [], added) };
  const transition = yield* transitionInParts(outgoing, outgoing.partitionOf(instanceId), null, written, options);
  return { start: transition, direct: [...sent.values()] };
}

/** For whoever has no caller that waits for an answer: a child is written with it, a trigger tells it. */
export function refusalError(refused: StartRefused): TaskError {
  if (refused.kind === 'refused') return refused.error;
  const errors = refused.errors.map(({ pointer, message }) => `${pointer === '' ? 'the whole' : pointer}: ${message}`);
  const said = errors.slice(0, ERRORS_TOLD_MAX).join(' ');
  return { code: 'MR_INPUT_INVALID', message: `The input does not fit the schema of the definition: ${said}` };
}

export function refusalText(refused: StartRefused): string {
  const { code, message } = refusalError(refused);
  return `${code}: ${message}`;
}
