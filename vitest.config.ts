/** Two kinds of tests: `unit` needs nothing; `integration` runs on the one stack that its global setup starts. */
import { defineConfig } from 'vitest/config';

/** Vite's own conditions and ours: `millrace/worker` in an example means the sources, since nothing is built here. */
const conditions = ['millrace-source', 'module', 'node', 'development|production'];

export default defineConfig({
  ssr: { resolve: { conditions } },
  test: {
    // After it the run ends as if all were well, whatever the global teardown was about to say: global-setup.ts verifies what the tests left.
    teardownTimeout: 300_000,
    projects: [
      {
        test: {
          name: 'unit',
          // What a module keeps between files is the same in a process of the engine. Loading each module once saves a sixth of the run.
          isolate: false,
          // For a busy machine; a test that is well ends long before.
          testTimeout: 60_000,
          // The default leaves one core free, which of two is half.
          maxWorkers: '100%',
          include: [
            'src/**/*.test.ts',
            'stack/**/*.test.ts',
            'connect/**/*.test.ts',
            'schemas/**/*.test.ts',
            'test/unit/**/*.test.ts',
            'test/*.test.ts',
            'bench/**/*.test.ts',
          ],
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/hostile/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Two cores carry the whole stack beside the tests.
          maxWorkers: 2,
        },
      },
    ],
  },
});
