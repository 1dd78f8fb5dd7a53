/**
 * In a checkout nothing is built, so the entry points that package.json names do not exist. This makes a module that
 * imports `millrace/worker` or `millrace/client` get the TypeScript sources where they exist, and the built files elsewhere.
 * An installed package, which is built, does nothing of this.
 */
import { registerHooks } from 'node:module';

/** The condition under which `exports` of package.json names the sources. */
const CONDITION = 'millrace-source';

export function preferSources(): void {
  if (!import.meta.url.endsWith('.ts')) return;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (!specifier.startsWith('millrace/')) return nextResolve(specifier, context);
      const { conditions } = context;
      try {
        return nextResolve(specifier, { ...context, conditions: [...conditions, CONDITION] });
      } catch {
        // The importing project has a millrace of its own, without sources. Node keeps the conditions of the first call unless told.
        return nextResolve(specifier, { ...context, conditions });
      }
    },
  });
}
