/** The install steps: databases, topics, schemas, connector. Each is safe to repeat. */
import type { Command } from 'commander';
import { loadConfig } from '../../service/config.ts';
import { kafkaOptions, registryOptions, topicSettings } from '../../service/connections.ts';
import { commandEnvironment, loadCommandConfig } from '../environment.ts';
import { createCommandLogger, print, printJson } from '../output.ts';
import { registerOutboxTopics } from '../stores.ts';

export function addInstallCommands(program: Command): void {
  program
    .command('migrate')
    .description('Migrate both databases to the schema of this version')
    .action(async () => {
      const { migrate } = await import('../../store/postgres/install/migrate.ts');
      const config = loadCommandConfig(['databases', 'topics', 'limits', 'log']);
      await migrate(config, createCommandLogger('migrate', config.log.level));
      print('Both databases are up to date.');
    });

  program
    .command('topics')
    .description('Create missing topics, and correct settings that differ')
    .option('--queue <name...>', 'queues in addition to the default one')
    .action(async ({ queue = [] }: { queue?: string[] }) => {
      const { connectKafka } = await import('../../messaging/kafkajs/index.ts');
      const { ensureTopics, outboxTopics } = await import('../../messaging/topics.ts');
      const { assertEventTopics, assertPublishTopics } = await import('../../messaging/foreign-topics.ts');
      const config = loadCommandConfig(['kafka', 'topics', 'databases', 'log']);
      const admin = connectKafka(kafkaOptions(config), createCommandLogger('topics', config.log.level)).admin();
      try {
        const { created, changed } = await ensureTopics(admin, { ...topicSettings(config), queues: queue });
        for (const topic of created) print(`created ${topic}`);
        for (const topic of changed) print(`changed ${topic}`);
        // After the broker has them: a row for a topic that is missing would halt everything behind it.
        await registerOutboxTopics(config, outboxTopics(config.topics.prefix, queue, []));
        await assertPublishTopics(admin, config.topics.publish, config.topics.maxMessageBytes);
        await registerOutboxTopics(config, config.topics.publish);
        await assertEventTopics(admin, config.topics.events);
        if (created.length + changed.length === 0) print('All topics exist.');
      } finally {
        await admin.close();
      }
    });

  program
    .command('schemas')
    .description('Avro schemas')
    .command('register')
    .description('Register every schema at the registry')
    .option('--queue <name...>', 'queues in addition to the default one')
    .action(async ({ queue = [] }: { queue?: string[] }) => {
      const { connectRegistry } = await import('../../messaging/registry.ts');
      const { recordsOnTopics, registerSchemas } = await import('../../messaging/registration.ts');
      const config = loadCommandConfig(['registry', 'topics']);
      const registry = connectRegistry(registryOptions(config));
      const registrations = await registerSchemas(registry, recordsOnTopics(config.topics.prefix, queue, config.topics.publish));
      const made = registrations.filter(({ status }) => status === 'registered');
      for (const { subject, id } of made) print(`registered ${subject} as ${id}`);
      if (made.length === 0) print('All schemas are registered.');
    });

  const connector = program.command('connector').description('The Debezium connector');
  connector
    .command('apply')
    .description('Create the connector, or update it to the configuration')
    .action(async () => {
      const { applyConnector } = await import('../../../connect/apply.ts');
      const config = loadCommandConfig(['connect', 'databases', 'topics', 'kafka', 'log']);
      await applyConnector(config, createCommandLogger('connector', config.log.level));
      print('The connector is applied.');
    });
  connector
    .command('reset')
    .description('Delete the offsets of the connector, so that it continues at the position of the replication slot')
    .action(async () => {
      const { resetConnectorOffsets } = await import('../../../connect/apply.ts');
      const config = loadCommandConfig(['connect', 'databases', 'topics', 'log']);
      await resetConnectorOffsets(config, createCommandLogger('connector', config.log.level));
      print('The connector continues at the position of the replication slot.');
    });

  program
    .command('config')
    .description('Print the configuration that a process would have here, without secrets')
    .action(() => printJson(redactConfig(loadConfig(commandEnvironment()))));
}

const SECRET = /password|apiKey|^key$/i;

/** Replaces secrets, also those inside addresses. */
export function redactConfig(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => redactConfig(item));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, redactConfig(member, key)]));
  if (typeof value !== 'string') return value;
  if (SECRET.test(name)) return '(set, not shown)';
  return redactUrl(value);
}

/** An address may hold a password beside the user, or as a parameter. */
function redactUrl(text: string): string {
  if (!URL.canParse(text) || !text.includes('//')) return text;
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  for (const parameter of [...url.searchParams.keys()]) if (/password|secret|key$/i.test(parameter)) url.searchParams.set(parameter, '***');
  return url.password === '***' || url.search.includes('***') ? url.href : text;
}
