/** What definitions, payloads and states may measure. */
import { defineGroup, MIB } from '../group.ts';
import { integer } from '../variable.ts';

/** Space that headers, ids and framing need in a record besides its payload. */
const RECORD_OVERHEAD_BYTES = 65_536;

export const limits = defineGroup({
  title: 'Limits',
  variables: {
    MILLRACE_LIMIT_DEFINITION_BYTES: integer(1_024, 16 * MIB, { description: 'Largest definition in bytes.', default: 262_144 }),
    MILLRACE_LIMIT_NODES: integer(1, 10_000, { description: 'Largest number of nodes in a definition.', default: 1_000 }),
    MILLRACE_LIMIT_DEPTH: integer(4, 200, { description: 'Deepest nesting of JSON in a definition or a payload.', default: 64 }),
    MILLRACE_LIMIT_PAYLOAD_BYTES: integer(1_024, 16 * MIB, {
      description: 'Largest input, output or event in bytes. Must be at least 64 KiB less than MILLRACE_MAX_MESSAGE_BYTES.',
      default: 524_288,
    }),
    MILLRACE_LIMIT_STATE_BYTES: integer(16_384, 64 * MIB, { description: 'Largest state of an instance in bytes.', default: 4_194_304 }),
    MILLRACE_LIMIT_INSTANCE_BYTES: integer(MIB, 4_096 * MIB, {
      description:
        'About how many bytes an instance may take in the memory of an orchestrator, with the inputs and outputs that it still refers to. A step above it is an incident.',
      default: 134_217_728,
    }),
  },
  check: ({ MILLRACE_MAX_MESSAGE_BYTES, MILLRACE_LIMIT_PAYLOAD_BYTES: payload }) => {
    const most = Number(MILLRACE_MAX_MESSAGE_BYTES) - RECORD_OVERHEAD_BYTES;
    if (!(Number(payload) > most)) return [];
    const expected = `at most ${most}, which is MILLRACE_MAX_MESSAGE_BYTES less 64 KiB`;
    return [{ name: 'MILLRACE_LIMIT_PAYLOAD_BYTES', given: `"${payload}"`, expected }];
  },
  read: (values) => ({
    definitionBytes: values.MILLRACE_LIMIT_DEFINITION_BYTES,
    nodes: values.MILLRACE_LIMIT_NODES,
    depth: values.MILLRACE_LIMIT_DEPTH,
    payloadBytes: values.MILLRACE_LIMIT_PAYLOAD_BYTES,
    stateBytes: values.MILLRACE_LIMIT_STATE_BYTES,
    instanceBytes: values.MILLRACE_LIMIT_INSTANCE_BYTES,
  }),
});
