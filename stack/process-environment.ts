/**
 * What each process of the engine gets of the environment: the settings of the stack, and everything that the user has set,
 * except credentials and addresses that its role has no use for. Code of users runs in workers and in the servers of
 * examples, so neither gets a database or the admin key.
 */

export type Role = 'api' | 'orchestrator' | 'task-consumer' | 'worker' | 'server';

const databases = ['DEFINITION_DATABASE_URL', 'INSTANCE_DATABASE_URL'];
/** Only `millrace migrate` and `millrace republish` use it. */
const replication = ['REPLICATION_DATABASE_URL'];
const adminKey = ['MILLRACE_API_KEY'];
/** Of the API, which installs it, and of those who run tasks. */
const workerKey = ['MILLRACE_WORKER_API_KEY'];
/** The folder with the key file and the passwords of the stack. */
const home = ['MILLRACE_HOME'];
/** Only the orchestrator and `millrace connector` use it. */
const connectLogin = ['KAFKA_CONNECT_USERNAME', 'KAFKA_CONNECT_PASSWORD'];
const connect = ['KAFKA_CONNECT_URL', ...connectLogin];
const kafka = ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'KAFKA_SASL_PASSWORD', 'KAFKA_SSL_KEY', 'SCHEMA_REGISTRY_PASSWORD'];

const ofWorkers = [...databases, ...replication, ...adminKey, ...home, ...connect];

const withheld: Readonly<Record<Role, readonly string[]>> = {
  api: [...replication, ...connectLogin],
  orchestrator: [...replication, ...adminKey, ...workerKey],
  'task-consumer': ofWorkers,
  worker: ofWorkers,
  server: [...ofWorkers, ...workerKey, ...kafka],
};

/** @param env the user's environment with the stack's over it. */
export function environmentFor(role: Role, env: Readonly<Record<string, string>>): Record<string, string> {
  // Each variable may name a file instead.
  const names = new Set(withheld[role].flatMap((name) => [name, `${name}_FILE`]));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.has(name)));
}
