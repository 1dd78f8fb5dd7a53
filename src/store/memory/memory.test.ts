/** The databases in memory keep every contract that Postgres keeps. */
import { describe } from 'vitest';
import { testBooks } from '../../../test/contract/books.contract.ts';
import { testDefinitionStore } from '../../../test/contract/definition-store.contract.ts';
import { testEvents } from '../../../test/contract/events.contract.ts';
import { testInstanceQueries } from '../../../test/contract/instance-queries.contract.ts';
import { testInstanceStore } from '../../../test/contract/instance-store.contract.ts';
import { testSchedules } from '../../../test/contract/schedules.contract.ts';
import { testScopes } from '../../../test/contract/scopes.contract.ts';
import { testWaitsForSeveralEvents } from '../../../test/contract/several-events.contract.ts';
import { testTriggers } from '../../../test/contract/triggers.contract.ts';
import { memoryStore } from '../../../test/support/memory-store.ts';
import { matcher } from '../../../test/support/store-lab.ts';
import { createMemoryDefinitionStore } from './definition-store.ts';

describe('In memory', () => {
  const given = memoryStore(matcher);
  testInstanceStore(async () => given);
  testEvents(async () => given);
  testWaitsForSeveralEvents(async () => given);
  testScopes(async () => given);
  testTriggers(async () => given);
  testSchedules(async () => given);
  testBooks(async () => given);
  testInstanceQueries(async () => given);
  testDefinitionStore(async () => createMemoryDefinitionStore());
});
