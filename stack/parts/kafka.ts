/** Kafka: one KRaft node that is broker and controller. Its data folder is formatted once, by Kafka's own tool. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkout, openFolder } from '../home.ts';
import { withUmask } from '../process.ts';
import { brokerProperties, heapMiB, host, versions } from '../settings.ts';
import { probeTcp, waitReady } from '../wait.ts';
import { basicEnvironment, javaArguments, type Part, partUmask, readyTimeoutMs, stopOrder, writeProperties } from './part.ts';

const run = promisify(execFile);
export const log4jFlag = `-Dlog4j2.configurationFile=${join(checkout, 'stack', 'kafka', 'log4j2.properties')}`;

export const kafka: Part = {
  name: 'kafka',
  title: `Kafka ${versions.kafka}`,
  async prepare({ home, ports, controllerPort, secrets, jars }) {
    openFolder(home.kafkaDir);
    const dataDir = join(home.kafkaDir, 'data');
    const properties = join(home.kafkaDir, 'server.properties');
    writeProperties(properties, brokerProperties({ port: ports.kafka, controllerPort, logDir: dataDir }));
    const classPath = join(jars.kafka, '*');
    // The tool writes meta.properties last. Without it the folder is incomplete, and is formatted again.
    if (!existsSync(join(dataDir, 'meta.properties'))) {
      rmSync(dataDir, { recursive: true, force: true });
      const tool = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', classPath, log4jFlag, 'kafka.tools.StorageTool'];
      const format = ['format', '-t', secrets.kafkaClusterId, '-c', properties];
      await withUmask(partUmask, () => run('java', [...tool, ...format], { env: basicEnvironment() }));
    }
    return {
      name: 'Kafka',
      command: 'java',
      args: javaArguments(heapMiB.kafka, ['-cp', classPath, log4jFlag, 'kafka.Kafka', properties]),
      env: basicEnvironment(),
      cwd: home.kafkaDir,
      logFile: join(home.logs, 'kafka.log'),
      stopSignal: 'SIGTERM',
      stopGraceMs: 15_000,
      order: stopOrder.kafka,
      umask: partUmask,
    };
  },
  async ready({ ports }, child) {
    await waitReady(
      child,
      async () => {
        // The port opens before the node has elected itself; only its log says that it serves.
        await probeTcp(host, ports.kafka);
        if (!readFileSync(child.logFile, 'utf8').includes('Kafka Server started'))
          throw new Error('Kafka has not logged yet that it started');
      },
      readyTimeoutMs,
    );
  },
};
