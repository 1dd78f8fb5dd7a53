/**
 * A Postgres as users have them: whoever is not the superuser gets in by TLS only. Its certificate names `localhost` and
 * nothing else.
 */
import { roles } from '../../stack/settings.ts';
import { type Certificate, issueCertificate } from './certificates.ts';
import { startExtraPostgres } from './extra-postgres.ts';

export type SecurePostgres = {
  /** Of the stack's environment for an engine, what is about databases; at `localhost`, without `sslmode`. */
  readonly env: Readonly<Record<(typeof databaseUrls)[number], string>>;
  stop(): Promise<void>;
};

const databaseUrls = ['DEFINITION_DATABASE_URL', 'INSTANCE_DATABASE_URL', 'REPLICATION_DATABASE_URL'] as const;

export async function startSecurePostgres(authority: Certificate): Promise<SecurePostgres> {
  const { cert, key } = await issueCertificate(authority, 'postgres', { dns: 'localhost' });
  const { env, stop } = await startExtraPostgres('secure', (write) => ({
    ssl: 'on',
    ssl_cert_file: write('server.pem', cert),
    ssl_key_file: write('server-key.pem', key),
    hba_file: write('hba.conf', `host all ${roles.superuser} all scram-sha-256\nhostssl all all all scram-sha-256\n`),
  }));
  const [definitions, instances, replication] = databaseUrls.map((name) => (env[name] ?? '').replace('@127.0.0.1:', '@localhost:'));
  return {
    env: {
      DEFINITION_DATABASE_URL: definitions ?? '',
      INSTANCE_DATABASE_URL: instances ?? '',
      REPLICATION_DATABASE_URL: replication ?? '',
    },
    stop,
  };
}
