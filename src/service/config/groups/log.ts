/** What is logged. */
import { defineGroup } from '../group.ts';
import { oneOf } from '../variable.ts';

export const log = defineGroup({
  title: 'Logs',
  variables: {
    LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      description: 'The least important lines that are logged.',
      default: 'info',
    }),
  },
  read: (values) => ({ level: values.LOG_LEVEL }),
});
