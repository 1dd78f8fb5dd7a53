/** What every process has. */
import { defineGroup, HOUR, SECOND } from '../group.ts';
import { duration, host, integer, string } from '../variable.ts';

export const service = defineGroup({
  title: 'Every process',
  variables: {
    HOST: host({ description: 'Address to listen on, for the API and for health and metrics.', default: '127.0.0.1' }),
    METRICS_PORT: integer(0, 65_535, {
      description:
        'Port on which processes other than the API serve `/health/live`, `/health/ready` and `/metrics`. 0: none. The API serves them on PORT.',
      default: 0,
    }),
    MILLRACE_HOME: string({
      description: 'Folder of the generated bootstrap key and, with `npm start`, of all data of the embedded stack.',
      default: '.millrace',
    }),
    MILLRACE_SHUTDOWN_TIMEOUT: duration(SECOND, HOUR, {
      description: 'How long a process may finish its current work when it is told to end. Unfinished work runs again in another process.',
      default: '15s',
    }),
  },
  read: (values) => ({
    host: values.HOST,
    /** 0: health and metrics are not served. Not for the API, which has them on its own port. */
    metricsPort: values.METRICS_PORT,
    home: values.MILLRACE_HOME,
    shutdownTimeoutMs: values.MILLRACE_SHUTDOWN_TIMEOUT,
  }),
});
