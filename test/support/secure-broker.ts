/**
 * A small broker as users have them, beside the stack's: TLS everywhere, on one listener a login by SASL, on the other a
 * certificate of the client. Only 127.0.0.1 is in its own certificate.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkout } from '../../stack/home.ts';
import { installJars } from '../../stack/install/jars.ts';
import { log4jFlag } from '../../stack/parts/kafka.ts';
import { basicEnvironment, javaArguments, readyTimeoutMs, stopOrder, writeProperties } from '../../stack/parts/part.ts';
import { findFreePort } from '../../stack/ports.ts';
import { brokerProperties, host } from '../../stack/settings.ts';
import { waitReady } from '../../stack/wait.ts';
import { type Certificate, issueCertificate } from './certificates.ts';
import { startExtraServer } from './extra-server.ts';

export type Login = { readonly username: string; readonly password: string };
export type SecureBroker = {
  /** `host:port`, where SCRAM and PLAIN are taken. */
  readonly sasl: string;
  /** `host:port`, where a certificate of the authority is wanted. */
  readonly mutualTls: string;
  stop(): Promise<void>;
};

export async function startSecureBroker(authority: Certificate, { username, password }: Login): Promise<SecureBroker> {
  const dir = join(checkout, '.millrace-test', `secure-broker-${process.pid}`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const [sasl, mutualTls, controller] = await freePorts(3);
  const properties = join(dir, 'server.properties');
  const { cert, key } = await issueCertificate(authority, 'broker', { ip: host });
  writeFileSync(join(dir, 'broker.pem'), key + cert, { mode: 0o600 });
  writeFileSync(join(dir, 'authority.pem'), authority.cert);
  const listeners = `SASL://${host}:${sasl},MTLS://${host}:${mutualTls}`;
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  writeProperties(properties, {
    ...brokerProperties({ port: Number(sasl), controllerPort: Number(controller), logDir: join(dir, 'data') }),
    listeners: `${listeners},CONTROLLER://${host}:${controller}`,
    'advertised.listeners': listeners,
    'listener.security.protocol.map': 'SASL:SASL_SSL,MTLS:SSL,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'MTLS',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': join(dir, 'broker.pem'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': join(dir, 'authority.pem'),
    'listener.name.mtls.ssl.client.auth': 'required',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`,
    'listener.name.sasl.scram-sha-256.sasl.jaas.config': scram,
    'listener.name.sasl.scram-sha-512.sasl.jaas.config': scram,
  });
  const classPath = ['-cp', join((await installJars(() => undefined)).kafka, '*'), log4jFlag];
  const scramLogins = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${username},password=${password}]`,
  ]);
  const clusterId = `x${randomBytes(16).toString('base64url').slice(1)}`;
  const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties, ...scramLogins];
  await promisify(execFile)('java', ['-XX:TieredStopAtLevel=1', ...javaArguments(128, [...classPath, ...format])], {
    env: basicEnvironment(),
  });
  const stop = await startExtraServer(
    {
      name: 'the broker with TLS',
      command: 'java',
      args: javaArguments(192, ['-XX:TieredStopAtLevel=1', ...classPath, 'kafka.Kafka', properties]),
      env: basicEnvironment(),
      cwd: dir,
      logFile: join(dir, 'kafka.log'),
      stopSignal: 'SIGTERM',
      stopGraceMs: 10_000,
      order: stopOrder.kafka,
    },
    (child) =>
      waitReady(
        child,
        async () => {
          if (!readFileSync(child.logFile, 'utf8').includes('Kafka Server started'))
            throw new Error('it has not logged yet that it started');
        },
        readyTimeoutMs,
      ),
  );
  return {
    sasl: `${host}:${sasl}`,
    mutualTls: `${host}:${mutualTls}`,
    stop: async () => {
      await stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) found.add(await findFreePort(found));
  return [...found];
}
