/** The schema registry: Apicurio with its data in an H2 file, so that schema ids outlive a restart. */
import { join } from 'node:path';
import { openFolder } from '../home.ts';
import { heapMiB, host, registryApiPath, registryEnvironment, versions } from '../settings.ts';
import { probeHttp, waitReady } from '../wait.ts';
import { basicEnvironment, javaArguments, type Part, partUmask, readyTimeoutMs, stopOrder } from './part.ts';

export const registry: Part = {
  name: 'registry',
  title: `Schema registry (Apicurio ${versions.apicurio})`,
  async prepare({ home, ports, jars }) {
    const dataDir = join(home.registryDir, 'data');
    openFolder(home.registryDir);
    openFolder(dataDir);
    const runner = join(jars.registry, `apicurio-registry-app-${versions.apicurio}-runner.jar`);
    return {
      name: 'the schema registry',
      command: 'java',
      args: javaArguments(heapMiB.registry, ['-XX:TieredStopAtLevel=1', '-jar', runner]),
      env: { ...basicEnvironment(), ...registryEnvironment({ port: ports.registry, bindTo: host, dataDir }) },
      cwd: home.registryDir,
      logFile: join(home.logs, 'registry.log'),
      stopSignal: 'SIGTERM',
      stopGraceMs: 10_000,
      order: stopOrder.registry,
      umask: partUmask,
    };
  },
  async ready({ ports }, child) {
    await waitReady(child, () => probeHttp(`http://${host}:${ports.registry}${registryApiPath}/subjects`), readyTimeoutMs);
  },
};
