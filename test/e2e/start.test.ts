/**
 * The commands of a fresh clone, run as a person runs them, in a home of their own: `npm start` from nothing, again on
 * its data, after a crash, and on a stack that was started alone. The tests tell one story: each goes on where the one
 * before has left the home.
 */
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, createClient } from '../../src/client/index.ts';
import { findExamples } from '../../stack/engine.ts';
import { checkout, type Home, openHome } from '../../stack/home.ts';
import { isAlive, type ProcessIdentity } from '../../stack/identity.ts';
import { environmentOf, titleOf } from '../../stack/index.ts';
import { findFreePort, findFreePorts, isFree } from '../../stack/ports.ts';
import { readLogEnd } from '../../stack/process.ts';
import { deleteData } from '../../stack/reset.ts';
import { host, type Ports, partNames } from '../../stack/settings.ts';
import { readState } from '../../stack/state.ts';
import type { StackStatus } from '../../stack/status.ts';
import { bringDown } from '../../stack/supervisor.ts';
import { eventually, eventuallyHas } from '../support/eventually.ts';
import { readExample } from '../support/examples.ts';
import { readStackTraces, type StackTraces } from '../support/stack-traces.ts';
import { type Foreground, openTerminal, type SeenProcess, type Terminal } from '../support/terminal.ts';

const examples = findExamples().definitions.map(({ name }) => name);
const nothing: StackTraces = { slots: [], tables: 0, topics: [], notifications: 0, connectors: [], connectOffsets: false, schemas: {} };

describe('the commands of the stack', { timeout: 400_000 }, () => {
  let home: Home;
  let ports: Ports;
  let shopPort: number;
  let terminal: Terminal;
  const started: Foreground[] = [];

  beforeAll(async () => {
    home = openHome(join(checkout, '.millrace-test', `start-${process.pid}`));
    ports = await findFreePorts();
    shopPort = await findFreePort(new Set(Object.values(ports)));
    terminal = openTerminal(home.dir, ports, shopPort);
  });

  afterAll(async () => {
    for (const foreground of started) foreground.kill();
    await bringDown(home);
    deleteData(home);
    rmSync(home.dir, { recursive: true, force: true });
  }, 120_000);

  /** Resolves when everything runs. */
  async function start(command: string, ...args: readonly string[]): Promise<Foreground> {
    const foreground = terminal.start(command, ...args);
    started.push(foreground);
    await foreground.says('npx millrace --help');
    return foreground;
  }

  const api = (): Client =>
    createClient({ url: `http://${host}:${ports.api}`, apiKey: readFileSync(join(home.dir, 'api-key'), 'utf8').trim() });
  const traces = (): Promise<StackTraces> => readStackTraces(environmentOf(home, ports, 'millrace'));

  /** What `npm run stack:status -- --json` tells, and its exit code. */
  async function status(): Promise<{ readonly code: number | null; readonly states: Readonly<Record<string, string>> }> {
    const { code, output, errors } = await terminal.run('node stack/bootstrap.mjs stack status --json');
    expect(errors).toBe('');
    const { parts } = JSON.parse(output) as StackStatus;
    return { code, states: Object.fromEntries(parts.map(({ part, state }) => [part, state])) };
  }
  const all = (state: string): Record<string, string> => Object.fromEntries(partNames.map((part) => [part, state]));

  async function expectNothingRuns(processes: readonly SeenProcess[]): Promise<void> {
    await eventually(() => expect(processes.filter(isAlive).map(({ command }) => command)).toEqual([]), { timeoutMs: 60_000 });
    await eventually(async () => {
      for (const port of [...Object.values(ports), shopPort]) expect(await isFree(port), String(port)).toBe(true);
    });
  }

  function crash(identity: ProcessIdentity | undefined): void {
    if (identity === undefined) throw new Error('There is no such process.');
    process.kill(identity.pid, 'SIGKILL');
  }

  async function completed(instanceId: string): Promise<unknown> {
    const instance = await eventuallyHas(
      () => api().instance(instanceId),
      ({ status }) => status !== 'running',
      { timeoutMs: 90_000 },
    );
    expect(instance.status).toBe('completed');
    return instance.output;
  }

  async function occupy<Result>(taken: readonly number[], work: () => Promise<Result>): Promise<Result> {
    const servers = taken.map((port) => createServer().listen({ port, host }));
    await Promise.all(servers.map((server) => once(server, 'listening')));
    try {
      return await work();
    } finally {
      for (const server of servers) server.close();
    }
  }

  test('name each port that is in use with the variable that moves it, and leave nothing behind', async () => {
    await occupy([ports.api, ports.connect], async () => {
      const whole = await terminal.run('npm start');
      expect(whole.code).toBe(1);
      expect(whole.output).toMatch(new RegExp(`Port ${ports.api} is in use, and the API needs it\\. .* PORT=\\d+ npm start`));
      expect(whole.output).toMatch(
        new RegExp(`Port ${ports.connect} is in use, and Kafka Connect needs it\\. .* CONNECT_PORT=\\d+ npm start`),
      );
      const alone = await terminal.run('npm run -s stack:up');
      expect(alone).toMatchObject({ code: 1, errors: expect.stringContaining(`Port ${ports.connect} is in use`) });
      expect(alone.errors).not.toContain(`Port ${ports.api}`);
    });
    expect(existsSync(home.stateFile)).toBe(false);
  });

  let waiting: string;
  let before: StackTraces;

  test('start everything from nothing, say where it is and what to try, report a death, and stop all of it at Ctrl-C', async () => {
    const starter = await start('npm', 'start');
    for (const step of [
      'Migrating the databases',
      'Registering the schemas',
      'Applying the connector',
      ...examples.map((name) => `Deploying example ${name}`),
    ])
      expect(starter.output).toContain(`✔ ${step} (`);
    const { api: apiPort, kafka, registry, connect, postgres } = ports;
    for (const place of [
      `http://${host}:${apiPort}/v1`,
      `${host}:${kafka}`,
      `http://${host}:${registry}`,
      `http://${host}:${connect}`,
      `${host}:${postgres}`,
      home.logs,
    ])
      expect(starter.output).toContain(place);
    expect((await fetch(`http://${host}:${apiPort}/docs`)).status).toBe(200);
    expect(await status()).toEqual({ code: 0, states: all('up') });

    // What it suggests, in another terminal; the README that it names begins with a command, too.
    const [, suggestions = ''] = starter.output.split('Try next\n');
    const readme = /\S+README\.md/.exec(suggestions)?.[0] ?? '';
    const [, first = ''] = /^\$ (.*)$/m.exec(readFileSync(join(checkout, readme), 'utf8')) ?? [];
    const [environment = '', ...rest] = suggestions
      .split('\n')
      .flatMap((line) => /^ {2}((?:export|npx) .*?)(?: {3}|$)/.exec(line)?.[1] ?? []);
    const tried = await terminal.run([environment, first, ...rest].join('\n'));
    expect(tried, tried.errors).toMatchObject({
      code: 0,
      output: expect.stringMatching(/completed[\s\S]*"paid":true[\s\S]*expense-approval[\s\S]*Usage: millrace/),
    });

    expect((await api().definitions()).items.map(({ id }) => id).sort()).toEqual([...examples].sort());
    const order = { ...readExample('order-fulfilment', 'input.json'), shop: `http://${host}:${shopPort}` };
    expect(await completed((await api().start('order-fulfilment', { input: order })).instanceId)).toEqual({
      shipped: true,
      refunded: false,
    });
    waiting = (await api().start('expense-approval', { input: readExample('expense-approval', 'input-large.json') })).instanceId;
    before = await traces();
    expect(before.notifications).toBeGreaterThan(0);

    const processes = await starter.processes();
    const commands = processes.map(({ command }) => command);
    for (const [role, count] of [
      ['api', 1],
      ['task-consumer', 2],
      ['orchestrator', 2],
    ] as const)
      expect(
        commands.filter((command) => command.endsWith(`main.ts ${role}`)),
        role,
      ).toHaveLength(count);
    // Commands that work on the parts themselves find them, too.
    const operated = await terminal.run('npx millrace verify; npx millrace keys list; npx millrace redispatch; npx millrace topics');
    expect(operated, operated.errors).toMatchObject({
      code: 0,
      output: expect.stringMatching(/ instances, no difference\.[\s\S]*0 tasks were sent again\.\nAll topics exist\.\n$/),
    });

    crash(processes.find(({ command }) => command.endsWith('main.ts task-consumer')));
    await starter.says(' ended by itself (signal SIGKILL). The end of ');
    const [, name, logFile = ''] =
      /(task-consumer-[12]) ended by itself \(signal SIGKILL\)\. The end of (\S+):\n/.exec(starter.output) ?? [];
    expect(logFile).toBe(join(home.logs, `${name}.log`));
    await starter.says(`${name} is started again in 1 s.`);
    await starter.says(`${name} runs again.`);
    const after = await starter.processes();
    expect(after.filter(({ command }) => command.endsWith('main.ts task-consumer'))).toHaveLength(2);

    crash(readState(home)?.parts.registry);
    await starter.says(`The end of ${join(home.logs, 'registry.log')}:\n`);
    await starter.says(`${titleOf('registry')} runs again.`);
    expect(await status()).toEqual({ code: 0, states: all('up') });

    starter.interrupt();
    await starter.ended;
    expect(starter.output).toMatch(/Stopping \(Ctrl-C\) …\nEverything is stopped; data stays in MILLRACE_HOME\.\n$/);
    await expectNothingRuns([...processes, ...after]);
    // In order: every process had the services that it needs until its own end.
    expect(readLogEnd(join(home.logs, 'api.log')).split('"msg":"Stopping"')[1]).not.toMatch(/terminating connection|ECONNREFUSED/);
    expect(readLogEnd(join(home.logs, 'connect.log'), 1)).toContain('Kafka Connect stopped');
  });

  test('start again with all data, and leave nothing running after a crash of the starter', async () => {
    const starter = await start('npm', 'start');
    expect(await traces()).toEqual(before);
    expect((await api().definitions()).items.map(({ latestVersion }) => latestVersion)).toEqual(examples.map(() => 1));
    const answer = await api().complete(`${waiting}.approve`, { approved: true }, { assignee: 'grace', waitMs: 30_000 });
    expect(answer.status).toBe('applied');
    expect(await completed(waiting)).toMatchObject({ paid: true });

    const processes = await starter.processes();
    starter.kill();
    await starter.ended;
    await expectNothingRuns(processes);
  });

  test('delete everything together when told so, and start from nothing the stack alone, which npm start then uses and leaves', async () => {
    const asked = await terminal.run('npm run -s stack:reset');
    expect(asked).toMatchObject({
      code: 1,
      errors: expect.stringContaining('Nothing was deleted. To reset without being asked: npm run stack:reset -- --yes'),
    });
    expect(await terminal.run('npm run -s stack:reset -- --yes')).toMatchObject({
      code: 0,
      output: expect.stringContaining('The stack is reset'),
    });

    expect((await terminal.run('npm run -s stack:up')).code).toBe(0);
    expect(await traces()).toEqual(nothing);

    await occupy([shopPort], async () => {
      // What `npm start` runs: its own exit code, which npm and a shell turn into the signal's.
      const starter = await start('node', 'stack/bootstrap.mjs', 'start');
      expect(starter.output).toContain(`Using the stack that runs in ${home.dir}`);
      await starter.says(`port ${shopPort} is in use; choose another one by EXAMPLE_SERVER_PORT`);
      await expect(api().instance(waiting)).rejects.toMatchObject({ status: 404 });
      const small = await api().start('expense-approval', { input: readExample('expense-approval', 'input.json') });
      expect(await completed(small.instanceId)).toMatchObject({ paid: true });
      const processes = await starter.processes();
      starter.interrupt();
      expect(await starter.ended).toEqual({ code: 0, signal: null });
      expect(processes.filter(isAlive)).toEqual([]);
    });

    expect(await status()).toEqual({ code: 0, states: all('up') });
    const parts = Object.values(readState(home)?.parts ?? {}).map((identity) => ({ ...identity, command: 'a part' }));
    expect(parts).toHaveLength(partNames.length);
    expect(await terminal.run('npm run -s stack:down')).toMatchObject({
      code: 0,
      output: expect.stringContaining('The stack is stopped; its data stays.'),
    });
    await expectNothingRuns(parts);
    expect(await status()).toEqual({ code: 3, states: all('down') });
  });
});
