/** Kafka Connect with Debezium: one distributed worker. It gets the database's password in its environment only. */
import { writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { openFolder } from '../home.ts';
import {
  connectLoginFiles,
  connectLoginFlag,
  connectProperties,
  connectRestHeaders,
  connectSecrets,
  heapMiB,
  host,
  versions,
} from '../settings.ts';
import { probeHttp, waitReady } from '../wait.ts';
import { log4jFlag } from './kafka.ts';
import { basicEnvironment, javaArguments, type Part, partUmask, readyTimeoutMs, stopOrder, writeProperties } from './part.ts';

export const connect: Part = {
  name: 'connect',
  title: `Kafka Connect ${versions.kafka} with Debezium ${versions.debezium}`,
  async prepare({ home, ports, prefix, secrets, jars }) {
    const secretsDir = join(home.connectDir, 'secrets');
    // Not in the folder above: connector configs may name the files of that one.
    const loginDir = join(home.connectDir, 'login');
    for (const folder of [home.connectDir, secretsDir, loginDir]) openFolder(folder);
    for (const [name, text] of Object.entries(connectLoginFiles(loginDir, secrets.connectRest)))
      writeFileSync(join(loginDir, name), text, { mode: 0o600 });
    const properties = join(home.connectDir, 'worker.properties');
    writeProperties(
      properties,
      connectProperties({ prefix, port: ports.connect, brokers: `${host}:${ports.kafka}`, pluginPath: jars.plugins, secretsDir }),
    );
    return {
      name: 'Kafka Connect',
      command: 'java',
      args: javaArguments(heapMiB.connect, [
        '-cp',
        [join(jars.kafka, '*'), jars.hostCheck].join(delimiter),
        log4jFlag,
        connectLoginFlag(loginDir),
        'org.apache.kafka.connect.cli.ConnectDistributed',
        properties,
      ]),
      env: { ...basicEnvironment(), ...connectSecrets({ host, port: ports.postgres }, secrets.connect) },
      cwd: home.connectDir,
      logFile: join(home.logs, 'connect.log'),
      stopSignal: 'SIGTERM',
      stopGraceMs: 15_000,
      order: stopOrder.connect,
      umask: partUmask,
    };
  },
  async ready({ ports, secrets }, child) {
    await waitReady(
      child,
      () => probeHttp(`http://${host}:${ports.connect}/connectors`, connectRestHeaders(secrets.connectRest)),
      readyTimeoutMs,
    );
  },
};
