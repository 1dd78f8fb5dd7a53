/** The embedded stack, each part of which is started again when it ends by itself, on the same port and with its data. */
import { describeDeath, type StackHandle, type StackOptions, startStack, titleOf } from './index.ts';
import type { Restarter } from './restarter.ts';

export async function startRestartedStack(options: Omit<StackOptions, 'onDeath'>, restarter: Restarter): Promise<StackHandle> {
  // A part may end while others still start.
  const started = Promise.withResolvers<StackHandle>();
  const stack = await startStack({
    ...options,
    onDeath: (death) =>
      restarter.restart(titleOf(death.part), describeDeath(death), death.exit, async () => {
        await (await started.promise).start(death.part);
      }),
  });
  started.resolve(stack);
  return stack;
}
