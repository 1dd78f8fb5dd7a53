/**
 * The stack as containers of the official images, by testcontainers, for the integration tests where Docker is there
 * (`MILLRACE_STACK=containers`). Gives the same `StackHandle` as the embedded one, from the same settings. The daemon must
 * be of this machine: ports are published on 127.0.0.1. Testcontainers removes what a killed test run leaves behind.
 */
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConstantBackoff, handleAll, retry } from 'cockatiel';
import { GenericContainer, getContainerRuntimeClient, Network, type StartedTestContainer, Wait } from 'testcontainers';
import { checkout, openHome, readSecrets } from '../home.ts';
import { environmentOf, type StackHandle, type StackOptions } from '../index.ts';
import { readyTimeoutMs } from '../parts/part.ts';
import { findFreePorts, readPorts } from '../ports.ts';
import { readLogEnd } from '../process.ts';
import { runStep } from '../progress.ts';
import { defaultPrefix, host, type PartName, type Ports } from '../settings.ts';
import {
  connectCommand,
  connectDockerfile,
  connectEntrypoint,
  connectEnvironment,
  images,
  innerPorts,
  kafkaEnvironment,
  outerKafkaPort,
  postgresCommand,
  postgresEnvironment,
  postgresInitFile,
  probes,
  registryImageEnvironment,
} from './settings.ts';

/** Publishes its ports on this machine only; a plain one does so on every address. */
class LocalContainer extends GenericContainer {
  protected override async beforeContainerCreated(): Promise<void> {
    const bindings = this.hostConfig.PortBindings as Record<string, { HostPort: string }[]>;
    this.hostConfig.PortBindings = Object.fromEntries(
      Object.entries(bindings).map(([port, places]) => [port, places.map((place) => ({ ...place, HostIp: host }))]),
    );
  }
}

const stopOrder: readonly PartName[] = ['connect', 'kafka', 'registry', 'postgres'];

/** Starts the whole stack and resolves when every part serves. On a failure whatever did start is stopped again. */
export async function startStack(options: StackOptions = {}): Promise<StackHandle> {
  const onProgress = options.onProgress ?? (() => undefined);
  const home = openHome(options.home);
  const ports = await choosePorts(options.ports ?? 'default');
  const prefix = options.prefix ?? process.env.MILLRACE_TOPIC_PREFIX ?? defaultPrefix;
  const secrets = readSecrets(home);
  mkdirSync(home.logs, { recursive: true });
  const logFile = (part: PartName): string => join(home.logs, `${part}.log`);
  await runStep(onProgress, 'install:connect', `Building ${images.connect}`, async () => {
    await GenericContainer.fromDockerfile(checkout, connectDockerfile).build(images.connect, { deleteOnExit: false });
  });
  const network = await new Network().start();
  const running = new Map<PartName, StartedTestContainer>();
  /** Parts that somebody asked to end: their end is not reported. */
  const ending = new Set<PartName>();

  const containers: Readonly<Record<PartName, () => GenericContainer>> = {
    kafka: () =>
      new LocalContainer(images.kafka)
        .withEnvironment(kafkaEnvironment(ports.kafka))
        .withExposedPorts({ container: outerKafkaPort, host: ports.kafka }),
    registry: () =>
      new LocalContainer(images.registry)
        // As in docker-compose.yml: the image's own user could not make the folder of the file.
        .withUser('0')
        .withEnvironment(registryImageEnvironment())
        .withExposedPorts({ container: innerPorts.registry, host: ports.registry }),
    postgres: () =>
      new LocalContainer(images.postgres)
        .withEnvironment(postgresEnvironment(secrets))
        .withCommand([...postgresCommand])
        .withCopyFilesToContainer([{ source: join(checkout, 'stack', 'postgres', 'init.sql'), target: postgresInitFile, mode: 0o644 }])
        .withExposedPorts({ container: innerPorts.postgres, host: ports.postgres }),
    connect: () =>
      new LocalContainer(images.connect)
        .withEntrypoint([...connectEntrypoint])
        .withCommand([...connectCommand])
        .withEnvironment(connectEnvironment(prefix, secrets))
        .withExposedPorts({ container: innerPorts.connect, host: ports.connect }),
  };

  async function launch(part: PartName): Promise<void> {
    options.signal?.throwIfAborted();
    const container = await containers[part]()
      .withNetwork(network)
      .withNetworkAliases(part)
      .withLogConsumer((stream) => void stream.pipe(createWriteStream(logFile(part), { flags: 'a' })))
      .withWaitStrategy(Wait.forSuccessfulCommand(probes[part]))
      .withStartupTimeout(readyTimeoutMs)
      .start();
    running.set(part, container);
    void watch(part, container);
  }

  /** Reports an end that nobody asked for. */
  async function watch(part: PartName, container: StartedTestContainer): Promise<void> {
    const { StatusCode } = (await (await runtimeOf(container)).wait()) as { StatusCode: number };
    if (ending.has(part)) return;
    options.onDeath?.({ part, exit: { code: StatusCode, signal: null }, logFile: logFile(part), logEnd: readLogEnd(logFile(part)) });
  }

  const containerOf = (part: PartName): StartedTestContainer => {
    const container = running.get(part);
    if (container === undefined) throw new Error(`${part} was never started.`);
    return container;
  };

  let stopping: Promise<void> | undefined;
  const stopAll = async (): Promise<void> => {
    for (const part of stopOrder) {
      ending.add(part);
      await running.get(part)?.stop({ timeout: 15_000 });
    }
    await network.stop();
  };
  const stop = (): Promise<void> => {
    stopping ??= stopAll();
    return stopping;
  };

  const step = (part: PartName): Promise<void> => runStep(onProgress, part, images[part], () => launch(part));
  const outcomes = await Promise.allSettled([step('kafka').then(() => step('connect')), step('registry'), step('postgres')]);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }

  return {
    env: environmentOf(home, ports, prefix),
    home: home.dir,
    ports,
    stop,
    kill: async (part) => {
      ending.add(part);
      const runtime = await runtimeOf(containerOf(part));
      const gone = runtime.wait();
      await runtime.kill();
      await gone;
    },
    start: async (part) => {
      const container = containerOf(part);
      const runtime = await runtimeOf(container);
      await runtime.start();
      const log = await container.logs({ since: Math.floor(Date.now() / 1000) });
      log.pipe(createWriteStream(logFile(part), { flags: 'a' }));
      await untilServes(part, container);
      ending.delete(part);
      void watch(part, container);
    },
    pause: async (part) => {
      await (await runtimeOf(containerOf(part))).pause();
    },
    resume: async (part) => {
      await (await runtimeOf(containerOf(part))).unpause();
    },
    logEnd: async (part, lines) => readLogEnd(logFile(part), lines),
  };
}

async function choosePorts(wanted: 'default' | 'free' | Ports): Promise<Ports> {
  if (wanted === 'free') return await findFreePorts();
  return wanted === 'default' ? readPorts(process.env) : wanted;
}

/** The daemon's own handle, which can do more than testcontainers lets it. */
async function runtimeOf(container: StartedTestContainer) {
  return (await getContainerRuntimeClient()).container.getById(container.getId());
}

async function untilServes(part: PartName, container: StartedTestContainer): Promise<void> {
  const policy = retry(handleAll, { maxAttempts: readyTimeoutMs / 250, backoff: new ConstantBackoff(250) });
  await policy.execute(async () => {
    const { exitCode, output } = await container.exec(['sh', '-c', probes[part]]);
    if (exitCode !== 0) throw new Error(`${part} does not serve yet: ${output}`);
  });
}
