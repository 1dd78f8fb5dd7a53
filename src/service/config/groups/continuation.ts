/** Whether workers go on by themselves. */
import { defineGroup } from '../group.ts';
import { oneOf } from '../variable.ts';

export const continuation = defineGroup({
  title: 'Continuation',
  variables: {
    MILLRACE_CONTINUATION: oneOf(['off', 'on'], {
      description:
        'Whether a worker runs the next task of an instance right after the one before, where it is one task of the same queue. For definitions with `"continuation": true`; their workers see the data of their instances. The same for the API, orchestrators and workers: each alone only costs time.',
      default: 'off',
    }),
  },
  read: ({ MILLRACE_CONTINUATION }) => ({ isOn: MILLRACE_CONTINUATION === 'on' }),
});
