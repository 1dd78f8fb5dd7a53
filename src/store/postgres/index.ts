/** The stores on Postgres. Only whoever wires a process imports this. */
export { createDefinitionStore } from './definition-store.ts';
export { assertInstallation } from './installation.ts';
export { createInstanceQueries } from './instance-queries.ts';
export { createInstanceStore, type InstanceStoreOptions } from './instance-store.ts';
export { createMaintenance, type MaintenanceOptions } from './maintenance.ts';
export { registerTopics } from './outbox.ts';
export { createOutboxGauge } from './outbox-gauge.ts';
export { createPool, createPools, type Pool, type PoolOptions, type Pools } from './pools.ts';
export { type RepublishOptions, republish } from './republish.ts';
