/** The databases for the commands that work on them directly. The only file of the command line that knows which databases there are. */
import type { Config } from '../service/config.ts';
import type { DefinitionStore } from '../store/definition-store.ts';
import type { InstanceQueries } from '../store/instance-queries.ts';
import type { Pools, RepublishOptions } from '../store/postgres/index.ts';

export type Stores = { readonly definitions: DefinitionStore; readonly queries: InstanceQueries };
type Databases = Pick<Config, 'databases'>;

/** Loaded when a command needs it, so that the others start quickly. */
const loadPostgres = () => import('../store/postgres/index.ts');
type Postgres = Awaited<ReturnType<typeof loadPostgres>>;

/** Closes the connections when `work` has settled, also when it failed. */
export async function withStores<Value>(config: Databases, work: (stores: Stores) => Promise<Value>): Promise<Value> {
  return await withPools(config, (pools, { createDefinitionStore, createInstanceQueries }) =>
    work({ definitions: createDefinitionStore(pools.definitions), queries: createInstanceQueries(pools.instances) }),
  );
}

/** Allows the outbox to hold messages for these topics. The broker must have the topics before this is called. */
export async function registerOutboxTopics(config: Databases, topics: readonly string[]): Promise<void> {
  await withPools(config, ({ instances }, { registerTopics }) => registerTopics(instances, topics));
}

/** Writes again what a new replication slot cannot know. @returns the number of rows; null when there was nothing to do. */
export async function republishOutbox(config: Databases, options: RepublishOptions): Promise<number | null> {
  return await withPools(config, ({ instances }, { republish }) => republish(instances, options));
}

async function withPools<Value>({ databases }: Databases, work: (pools: Pools, postgres: Postgres) => Promise<Value>): Promise<Value> {
  const postgres = await loadPostgres();
  const { definitions, instances, connections } = databases;
  const pools = postgres.createPools({ definitions, instances }, { connections, applicationName: 'millrace-cli' });
  try {
    return await work(pools, postgres);
  } finally {
    await pools.close();
  }
}
