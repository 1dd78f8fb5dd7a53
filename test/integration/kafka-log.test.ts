/** The log on the real broker, by the suite that the log in memory passes too. */
import { describe } from 'vitest';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import { testLog } from '../contract/log.contract.ts';
import { stackEnv } from '../support/env.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

describe('the log on Kafka', () => {
  testLog(async () => connectKafka({ brokers: (stackEnv().KAFKA_BROKERS ?? '').split(','), clientId: 'log-contract' }, quiet));
});
