/** One stack with an engine on it, warmed up, and the loads that are measured on it one after the other. */
import { pino } from 'pino';
import { createCodec } from '../src/messaging/codec.ts';
import { connectKafka } from '../src/messaging/kafkajs/index.ts';
import { connectRegistry } from '../src/messaging/registry.ts';
import { topicNames } from '../src/messaging/topics.ts';
import { loadConfig } from '../src/service/config.ts';
import { kafkaOptions, registryOptions } from '../src/service/connections.ts';
import { Client, type Target } from './engine/client.ts';
import { Sampler } from './engine/cost.ts';
import { input, sequence, sequenceId } from './engine/definitions.ts';
import { Engine } from './engine/engine.ts';
import { closedLoop } from './engine/shapes.ts';
import { loads } from './loads/index.ts';
import { deploy, type LoadContext } from './loads/load.ts';
import { type LoadName, type Options, valuesOf } from './options.ts';
import type { Figure, Session, Setting } from './report/figures.ts';
import { titleOf } from './report/table.ts';

/** @param onFigure told of each figure as soon as it is there. */
export async function runSession(
  options: Options,
  setting: Setting,
  names: readonly LoadName[],
  say: (text: string) => void,
  onFigure: (figure: Figure) => void,
): Promise<Session> {
  const isContinued = options.continuation !== 'off';
  const engine = await Engine.start({
    env: {
      MILLRACE_PARTITIONS: String(setting.partitions),
      MILLRACE_CONNECTOR_POLL_INTERVAL: `${options.pollIntervalMs}ms`,
      // Definitions that do not ask for it are not continued.
      MILLRACE_CONTINUATION: isContinued ? 'on' : 'off',
      MILLRACE_DIRECT_DISPATCH: options.direct ? 'on' : 'off',
      ...options.env,
    },
    ...{ processes: options.processes, isFlushed: setting.isFlushed, profile: options.profile, logs: options.logs, say },
  });
  try {
    const target = targetOf(engine);
    const client = await Client.open(target);
    const openClient = (connections: number): Promise<Client> => Client.open(target, connections);
    const sampler = await Sampler.open(
      engine.env.INSTANCE_DATABASE_URL ?? '',
      () => engine.roots(),
      () => engine.metricsOf('orchestrator'),
    );
    try {
      const context: LoadContext = { engine, client, openClient, sampler, options, say };
      for (const steps of [1, 10, 100]) for (const on of valuesOf(options.continuation)) await deploy(context, sequence(steps, on));
      // P1 has nothing to continue.
      if (options.continuation === 'on') await deploy(context, sequence(1, false));
      await warmUp(context);
      const figures: Figure[] = [];
      const failed: { readonly load: string; readonly message: string }[] = [];
      for (const name of names) {
        say(`${name} (${titleOf(setting)})`);
        try {
          for (const figure of await loads[name].run(context)) {
            figures.push(figure);
            onFigure(figure);
          }
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          failed.push({ load: name, message });
          say(`  ${name} failed: ${message}`);
        }
      }
      return { setting, figures, failed };
    } finally {
      await client.close();
      await sampler.close();
    }
  } finally {
    await engine.stop();
  }
}

/** Kafka and Connect spend half of their CPU on compiling themselves in the first minute. */
export async function warmUp({ client, sampler, options, say }: LoadContext, seconds = options.warmUp): Promise<void> {
  if (seconds === 0) return;
  say('Warming up');
  const kinds = [...valuesOf(options.continuation).map((isContinued) => sequenceId(10, isContinued)), sequenceId(1, false)];
  for (const definition of kinds) {
    await closedLoop({
      ...{ inFlight: options.inFlight, warmUp: 0, seconds: seconds / kinds.length, sample: async () => undefined },
      runOne: (at) => client.run(definition, input, at),
    });
  }
  // Plans and vacuum know the tables from here on.
  await sampler.query('ANALYZE');
}

/** The engine as the client sees it: ends are read from the lifecycle topic. */
function targetOf(engine: Engine): Target {
  const config = loadConfig(engine.env, ['kafka', 'registry', 'topics']);
  const codec = createCodec({ registry: connectRegistry(registryOptions(config)) });
  return {
    ...{ url: engine.url, headers: engine.headers },
    startPath: (definition) => `/v1/definitions/${definition}/instances`,
    startBody: (input) => ({ input }),
    log: connectKafka(kafkaOptions(config), pino({ level: 'warn' })),
    endsTopic: topicNames(config.topics.prefix).lifecycle,
    readEnd: ({ value }) => {
      const decoded = codec.decode(value ?? Buffer.alloc(0), ['InstanceChanged']);
      const read = (done: Awaited<typeof decoded>): string | null =>
        done.ok && done.value.change === 'ended' ? done.value.instanceId : null;
      return decoded instanceof Promise ? decoded.then(read) : read(decoded);
    },
  };
}
