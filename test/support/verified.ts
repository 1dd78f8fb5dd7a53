/** What `millrace verify` finds in databases that a test is done with: whatever it did, each instance is as its history says. */
import { verifyInstances } from '../../src/cli/verify.ts';
import { createInstanceQueries, createPool } from '../../src/store/postgres/index.ts';

/** Throws an error that names each instance that differs. Databases that were never migrated hold none. @param url of an instance database. */
export async function expectVerified(url: string): Promise<void> {
  const pool = createPool(url, { connections: 2 });
  try {
    const { rows } = await pool.query<{ migrated: boolean }>("SELECT to_regclass('instance') IS NOT NULL AS migrated");
    if (rows[0]?.migrated !== true) return;
    const { verified, differences } = await verifyInstances(createInstanceQueries(pool), () => undefined);
    if (differences.length === 0) return;
    const named = differences.map(({ instanceId, message }) => `${instanceId}: ${message}`).join('\n');
    throw new Error(
      `${differences.length} of ${verified} instances in ${new URL(url).pathname.slice(1)} are not what their histories say:\n${named}`,
    );
  } finally {
    await pool.end();
  }
}
