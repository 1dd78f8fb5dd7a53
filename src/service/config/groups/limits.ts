/** What definitions, payloads and states may measure. */
import { referencedBytesMax } from '../../../core/payload-reference.ts';
import type { VariableError } from '../errors.ts';
import { defineGroup, MIB } from '../group.ts';
import { integer } from '../variable.ts';

/** Space that headers, ids and framing need in a record besides its payload. */
export const RECORD_OVERHEAD_BYTES = 65_536;

export const limits = defineGroup({
  title: 'Limits',
  variables: {
    MILLRACE_LIMIT_DEFINITION_BYTES: integer(1_024, 16 * MIB, { description: 'Largest definition in bytes.', default: 262_144 }),
    MILLRACE_LIMIT_NODES: integer(1, 10_000, { description: 'Largest number of nodes in a definition.', default: 1_000 }),
    MILLRACE_LIMIT_DEPTH: integer(4, 200, { description: 'Deepest nesting of JSON in a definition or a payload.', default: 64 }),
    MILLRACE_LIMIT_PAYLOAD_BYTES: integer(1_024, 16 * MIB, {
      description:
        'Largest input, output or event in bytes. Must be at least 64 KiB less than MILLRACE_MAX_MESSAGE_BYTES, or, where MILLRACE_REFERENCE_BYTES is set, at most 4 MiB: then it is that of inputs and outputs of `http` nodes and handlers, of inputs of starts, of `transform` nodes and of outputs of instances; whatever else travels in a message stays 64 KiB below the largest.',
      default: 524_288,
    }),
    MILLRACE_REFERENCE_BYTES: integer(0, referencedBytesMax, {
      description:
        'An input or output of a task of more bytes as JSON goes through the instance database, and its record on Kafka holds only its length and hash. 0: none does. The same for the API, orchestrators and workers, of which workers need MILLRACE_URL and MILLRACE_WORKER_API_KEY too. Upgrade all of them before setting it.',
      default: 0,
    }),
    MILLRACE_LIMIT_STATE_BYTES: integer(16_384, 64 * MIB, { description: 'Largest state of an instance in bytes.', default: 4_194_304 }),
    MILLRACE_LIMIT_INSTANCE_BYTES: integer(MIB, 4_096 * MIB, {
      description:
        'About how many bytes an instance may take in the memory of an orchestrator, with the inputs and outputs that it still refers to. A step above it is an incident.',
      default: 134_217_728,
    }),
  },
  check: ({ MILLRACE_MAX_MESSAGE_BYTES, MILLRACE_LIMIT_PAYLOAD_BYTES: payload, MILLRACE_REFERENCE_BYTES: reference }) => {
    const inMessages = Number(MILLRACE_MAX_MESSAGE_BYTES) - RECORD_OVERHEAD_BYTES;
    const asMessage = `at most ${inMessages}, which is MILLRACE_MAX_MESSAGE_BYTES less 64 KiB`;
    const errors: VariableError[] = [];
    if (Number(reference) > inMessages) errors.push({ name: 'MILLRACE_REFERENCE_BYTES', given: `"${reference}"`, expected: asMessage });
    const most = Number(reference) > 0 ? Math.max(inMessages, referencedBytesMax) : inMessages;
    if (!(Number(payload) > most)) return errors;
    const hint = `${asMessage}, or at most ${referencedBytesMax} where MILLRACE_REFERENCE_BYTES is set`;
    const expected = Number(reference) > 0 ? `at most ${most}` : hint;
    return [...errors, { name: 'MILLRACE_LIMIT_PAYLOAD_BYTES', given: `"${payload}"`, expected }];
  },
  read: (values) => ({
    definitionBytes: values.MILLRACE_LIMIT_DEFINITION_BYTES,
    nodes: values.MILLRACE_LIMIT_NODES,
    depth: values.MILLRACE_LIMIT_DEPTH,
    payloadBytes: values.MILLRACE_LIMIT_PAYLOAD_BYTES,
    /** Inputs and outputs of tasks above it go through the database; 0: none. */
    referenceBytes: values.MILLRACE_REFERENCE_BYTES,
    stateBytes: values.MILLRACE_LIMIT_STATE_BYTES,
    instanceBytes: values.MILLRACE_LIMIT_INSTANCE_BYTES,
  }),
});
