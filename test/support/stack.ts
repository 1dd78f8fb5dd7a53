/**
 * The stack that integration tests run on: one interface, two implementations, chosen by `MILLRACE_STACK`
 * (`embedded`, the default, or `containers` where Docker is there). Started once for all tests by global-setup.ts.
 */
import type { StackHandle, StackOptions } from '../../stack/index.ts';

export type { StackHandle } from '../../stack/index.ts';

/** What stack/containers/index.ts exports, as stack/index.ts does. */
export interface StackModule {
  startStack(options?: StackOptions): Promise<StackHandle>;
}

/** Tests wait for no step in particular, and a connector that looks more often takes CPU from all of them. */
const POLL_INTERVAL = '20ms';

/** Starts a stack on free ports. `home` is where the embedded one keeps its data and both keep the engine's key. */
export async function startTestStack(options: StackOptions & { readonly home: string }): Promise<StackHandle> {
  const { startStack } = await loadStack(process.env.MILLRACE_STACK ?? 'embedded');
  const stack = await startStack({ ports: 'free', ...options });
  stack.env.MILLRACE_CONNECTOR_POLL_INTERVAL = POLL_INTERVAL;
  return stack;
}

async function loadStack(kind: string): Promise<StackModule> {
  switch (kind) {
    case 'embedded':
      return await import('../../stack/index.ts');
    case 'containers': {
      // By a variable: the containers need packages and a daemon that the embedded stack does without.
      const path = '../../stack/containers/index.ts';
      return (await import(path)) as StackModule;
    }
    default:
      throw new Error(`MILLRACE_STACK must be "embedded" or "containers", but is "${kind}".`);
  }
}
