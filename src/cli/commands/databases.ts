/** What works on the databases directly: API keys, verify, republish. */
import { createHash, randomBytes } from 'node:crypto';
import { type Command, Option } from 'commander';
import { uuidv7 } from 'uuidv7';
import type { ApiKeyRole } from '../../store/definition-store.ts';
import { slotName } from '../../store/outbox-names.ts';
import { loadCommandConfig } from '../environment.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { createCommandLogger, print, printJson, printTable, say, shortTime } from '../output.ts';
import { republishOutbox, withStores } from '../stores.ts';

const roles: readonly ApiKeyRole[] = ['admin', 'operator', 'user', 'viewer', 'worker'];

type NewKey = { readonly role: ApiKeyRole; readonly subject: string; readonly taskRole?: readonly string[]; readonly json?: boolean };

export function addDatabaseCommands(program: Command): void {
  addKeyCommands(program.command('keys').description('API keys'));

  program
    .command('verify')
    .description("Fold every instance's history again and compare it with the stored state")
    .option('--json', 'print the result as JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const config = loadCommandConfig(['databases']);
      const { verifyInstances } = await import('../verify.ts');
      const result = await withStores(config, ({ queries }) => verifyInstances(queries, (verified) => say(`${verified} verified`)));
      const { verified, differences } = result;
      if (json) printJson(result);
      else for (const { instanceId, message } of differences) print(`${instanceId}: ${message}`);
      if (differences.length > 0) throw new CommandFailure(exitCodes.failed, `${differences.length} of ${verified} instances differ.`);
      if (!json) print(`${verified} instances, no difference.`);
    });

  program
    .command('republish')
    .description('After the replication slot was lost: create it again, and publish again what the outbox still holds')
    .action(async () => {
      const config = loadCommandConfig(['databases', 'topics', 'log']);
      const rows = await republishOutbox(config, {
        slot: slotName(config.topics.prefix),
        replicationUrl: config.databases.replication,
        log: createCommandLogger('republish', config.log.level),
      });
      print(rows === null ? 'Everything was published with this slot. There is nothing to do.' : `${rows} messages are published again.`);
    });
}

function addKeyCommands(keys: Command): void {
  keys
    .command('create')
    .description('Create a key; it is shown only this once')
    .requiredOption('--subject <name>', 'who uses it')
    .addOption(new Option('--role <role>', 'what it may do').choices(roles).makeOptionMandatory())
    .option('--task-role <role...>', 'task roles of the subject, e.g. manager')
    .option('--json', 'print as JSON')
    .action(async ({ role, subject, taskRole = [], json = false }: NewKey) => {
      const secret = `mr_${randomBytes(32).toString('base64url')}`;
      const key = { keyId: uuidv7(), subject, role, taskRoles: taskRole, createdAt: Date.now() };
      const digest = createHash('sha256').update(secret).digest();
      await withStores(loadCommandConfig(['databases']), ({ definitions }) => definitions.createApiKey(key, digest));
      if (json) return printJson({ keyId: key.keyId, key: secret });
      say(`Key ${key.keyId} for ${subject} (${role}). It is not shown again:`);
      print(secret);
    });

  keys
    .command('list')
    .description('List the keys')
    .option('--json', 'print as JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const found = await withStores(loadCommandConfig(['databases']), ({ definitions }) => definitions.listApiKeys());
      if (json) return printJson(found);
      const rows = found.map(({ keyId, subject, role, taskRoles, createdAt }) => [
        keyId,
        subject,
        role,
        taskRoles.join(', '),
        shortTime(new Date(createdAt).toISOString()),
      ]);
      printTable(['key', 'subject', 'role', 'task roles', 'created (UTC)'], rows, 'There are no keys.');
    });

  keys
    .command('revoke')
    .description('Revoke a key; it is refused everywhere within ten seconds')
    .argument('<key>', 'id of the key')
    .action(async (keyId: string) => {
      const revoked = await withStores(loadCommandConfig(['databases']), ({ definitions }) => definitions.revokeApiKey(keyId));
      if (!revoked) throw new CommandFailure(exitCodes.notFound, `There is no key ${keyId}.`);
      print(`${keyId} is revoked.`);
    });
}
