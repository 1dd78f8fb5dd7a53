/** Whether workers go on by themselves. */
import { defineGroup } from '../group.ts';
import { oneOf } from '../variable.ts';

/** A task, and the state of at most 65,536 characters that travels with it, which holds its input too. */
const MESSAGE_BYTES_MIN = 524_288;

export const continuation = defineGroup({
  title: 'Continuation',
  variables: {
    MILLRACE_CONTINUATION: oneOf(['off', 'on'], {
      description:
        'Whether a worker runs the next task of an instance right after the one before, where it is one task of the same queue. For definitions with `"continuation": true`; their workers see the data of their instances. The same for the API, orchestrators and workers: each alone only costs time. Needs MILLRACE_MAX_MESSAGE_BYTES of at least 512 KiB.',
      default: 'off',
    }),
  },
  check: ({ MILLRACE_CONTINUATION, MILLRACE_MAX_MESSAGE_BYTES: most }) =>
    MILLRACE_CONTINUATION === 'on' && Number(most) < MESSAGE_BYTES_MIN
      ? [
          {
            name: 'MILLRACE_MAX_MESSAGE_BYTES',
            given: `"${most}"`,
            expected: `at least ${MESSAGE_BYTES_MIN} where MILLRACE_CONTINUATION is on`,
          },
        ]
      : [],
  read: ({ MILLRACE_CONTINUATION }) => ({ isOn: MILLRACE_CONTINUATION === 'on' }),
});
