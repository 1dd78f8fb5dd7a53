/** The databases for the commands that work on them directly. The only place of the command line that knows which there are. */
import type { Config } from '../service/config.ts';
import type { Logger } from '../service/logging.ts';
import type { DefinitionStore } from '../store/definition-store.ts';
import type { InstanceQueries } from '../store/instance-queries.ts';
import { functionOf, loadPart, type Part } from './parts.ts';

export type Stores = { readonly definitions: DefinitionStore; readonly queries: InstanceQueries };

const FILE = 'src/store/postgres/index.ts';
type Pools = { readonly definitions: unknown; readonly instances: unknown; close(): Promise<void> };
type PoolArguments = [
  urls: { readonly definitions: string; readonly instances: string },
  options: { readonly connections: number; readonly applicationName: string },
];

/** Closes the connections when `work` is done, however it ends. */
export async function withStores<Value>(databases: Pick<Config, 'databases'>, work: (stores: Stores) => Promise<Value>): Promise<Value> {
  const part = await loadPart(FILE);
  return await withPools(part, databases, (pools) =>
    work({
      definitions: functionOf<[unknown], DefinitionStore>(part, FILE, 'createDefinitionStore')(pools.definitions),
      queries: functionOf<[unknown], InstanceQueries>(part, FILE, 'createInstanceQueries')(pools.instances),
    }),
  );
}

/** From now on the outbox takes messages for these topics; the broker must have them already. */
export async function registerOutboxTopics(databases: Pick<Config, 'databases'>, topics: readonly string[]): Promise<void> {
  const part = await loadPart(FILE);
  const registerTopics = functionOf<[unknown, readonly string[]], Promise<void>>(part, FILE, 'registerTopics');
  await withPools(part, databases, ({ instances }) => registerTopics(instances, topics));
}

export type Republishing = {
  readonly slot: string;
  readonly replicationUrl: string | null;
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn'>;
};

/** Writes again what a new replication slot cannot know. @returns how many rows; null when there was nothing to do. */
export async function republishOutbox(databases: Pick<Config, 'databases'>, options: Republishing): Promise<number | null> {
  const part = await loadPart(FILE);
  const republish = functionOf<[unknown, Republishing], Promise<number | null>>(part, FILE, 'republish');
  return await withPools(part, databases, ({ instances }) => republish(instances, options));
}

async function withPools<Value>(
  part: Part,
  { databases }: Pick<Config, 'databases'>,
  work: (pools: Pools) => Promise<Value>,
): Promise<Value> {
  const createPools = functionOf<PoolArguments, Pools>(part, FILE, 'createPools');
  const { definitions, instances, connections } = databases;
  const pools = createPools({ definitions, instances }, { connections, applicationName: 'millrace-cli' });
  try {
    return await work(pools);
  } finally {
    await pools.close();
  }
}
