/** dev: the whole engine in this process, in memory, for authors. */
import { type Command, InvalidArgumentError } from 'commander';
import { ConfigError, loadConfig } from '../../service/config.ts';
import { runProcess } from '../../service/process.ts';
import { removeDevFile, writeDevFile } from '../dev-file.ts';
import { print } from '../output.ts';

export function addDevCommand(program: Command): void {
  program
    .command('dev')
    .description('Run the whole engine in this process, in memory: for trying out definitions and handlers; nothing is kept')
    .argument('[module]', 'path of a JavaScript or TypeScript module whose task handlers are run')
    .option('--port <port>', 'port of the REST API; 0 takes any free one; default: PORT, else 8080', parsePort)
    .action(async (module: string | undefined, { port }: { port?: string }) => {
      await runProcess('dev', () => runDev(module, port));
    });
}

async function runDev(module: string | undefined, port: string | undefined) {
  const { devConfigGroups, startDevEngine } = await import('../../dev/dev-engine.ts');
  const { loadHandlers } = await import('../../task-consumer/handler-module.ts');
  const env = process.env;
  // Only warnings and errors of the engine, so that a person sees what handlers log.
  const config = loadConfig({ LOG_LEVEL: 'warn', ...env, ...(port === undefined ? {} : { PORT: port }) }, devConfigGroups);
  const handlers = module === undefined ? [] : await loadHandlers(module);
  const handlerLogLevel = env.LOG_LEVEL === undefined ? 'info' : config.log.level;
  const engine = await startDevEngine(config, { handlers, handlerLogLevel }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    throw new ConfigError([{ name: 'PORT', given: `"${config.api.port}"`, expected: 'a port that nobody uses; `--port` takes another' }]);
  });
  const { url, apiKey } = engine;
  writeDevFile(env, { MILLRACE_URL: url, MILLRACE_API_KEY: apiKey });
  print(`Millrace runs at ${url}, with documentation at ${url}/docs.`);
  print(`The API key is ${apiKey}; commands of this machine find both by themselves.`);
  print(
    handlers.length === 0
      ? 'There are no handlers, so tasks wait. Give a module with handlers, as in "millrace dev handlers.ts".'
      : `Handlers: ${handlers.map(({ name }) => name).join(', ')}.`,
  );
  print('Definitions, instances and events are kept in memory only, and are gone when this process ends. Ctrl-C ends it.');
  return {
    async stop() {
      removeDevFile(env);
      await engine.stop();
    },
  };
}

function parsePort(text: string): string {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError('Expected a port, 0 to 65535.');
  return text;
}
