/** The stores on Postgres. Only the `main.ts` of a process and the command line import this. */

export { createPool, createPools, type Pool, type PoolOptions, type Pools } from './connection/pools.ts';
export { createDefinitionStore } from './definitions/definition-store.ts';
export { assertInstallation, assertSetup } from './install/installation.ts';
export { createInstanceStore, type InstanceStoreOptions } from './instance-store.ts';
export { createJobStore } from './jobs/job-store.ts';
export { createMaintenance, type MaintenanceOptions } from './maintenance/maintenance.ts';
export { createOutboxGauge } from './outbox/gauge.ts';
export { registerTopics } from './outbox/messages.ts';
export { createOutboxProbes } from './outbox/probes.ts';
export { type RepublishOptions, republish } from './outbox/republish.ts';
export { createInstanceQueries } from './queries/instance-queries.ts';
export { createQueueStore } from './queues/queue-store.ts';
