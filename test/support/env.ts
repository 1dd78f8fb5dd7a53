/** The environment of the one stack that global-setup.ts started, for tests of the `integration` project. */
import { inject } from 'vitest';
import './global-setup.ts';

/** Everything an engine process needs: `KAFKA_BROKERS`, `INSTANCE_DATABASE_URL`, … (stack/settings.ts, engineEnvironment). */
export function stackEnv(): Record<string, string> {
  return inject('stackEnv');
}
