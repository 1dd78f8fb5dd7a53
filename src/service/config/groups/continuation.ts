/** Whether tasks reach workers by shorter ways than through the outbox. */
import { defineGroup } from '../group.ts';
import { oneOf } from '../variable.ts';

/** A task, and the state of at most 65,536 characters that travels with it, which holds its input too. */
const MESSAGE_BYTES_MIN = 524_288;

export const continuation = defineGroup({
  title: 'Continuation and direct dispatch',
  variables: {
    MILLRACE_CONTINUATION: oneOf(['off', 'on'], {
      description:
        'Whether a worker runs the next task of an instance right after the one before, where it is one task of the same queue. For definitions with `"continuation": true`; their workers see the data of their instances. The same for the API, orchestrators and workers: each alone only costs time. Needs MILLRACE_MAX_MESSAGE_BYTES of at least 512 KiB.',
      default: 'off',
    }),
    MILLRACE_DIRECT_DISPATCH: oneOf(['off', 'on'], {
      description:
        'Whether orchestrators send tasks to Kafka themselves, right after the commit that opened them, and not through the outbox. What is not sent so, since the process died or Kafka was away, goes through the outbox five seconds later. First tasks of instances that the API starts, and those that events and schedules start, always go through the outbox.',
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
  read: ({ MILLRACE_CONTINUATION, MILLRACE_DIRECT_DISPATCH }) => ({
    isOn: MILLRACE_CONTINUATION === 'on',
    isDirect: MILLRACE_DIRECT_DISPATCH === 'on',
  }),
});
