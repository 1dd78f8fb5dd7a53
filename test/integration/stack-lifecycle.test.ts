/** The life of a stack of its own, beside the one of the other tests: started, killed, started again, stopped. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkout, type Home, openHome } from '../../stack/home.ts';
import { isAlive } from '../../stack/identity.ts';
import { type Death, describeDeath, environmentOf, startStack } from '../../stack/index.ts';
import { assertPortsFree, findFreePorts } from '../../stack/ports.ts';
import { readLogEnd } from '../../stack/process.ts';
import { deleteData } from '../../stack/reset.ts';
import { host, type Ports, partNames, portVariables, registryApiPath } from '../../stack/settings.ts';
import { endLeftovers, readState, type StackState } from '../../stack/state.ts';
import { probeHttp } from '../../stack/wait.ts';
import { connectLogin } from '../support/connect-rest.ts';
import { eventually } from '../support/eventually.ts';

let home: Home;
let ports: Ports;
const starters: ChildProcess[] = [];

beforeAll(async () => {
  home = openHome(join(checkout, '.millrace-test', `lifecycle-${process.pid}`));
  ports = await findFreePorts();
});

afterAll(async () => {
  for (const starter of starters) {
    if (starter.exitCode !== null || starter.signalCode !== null) continue;
    starter.kill('SIGTERM');
    await once(starter, 'exit');
  }
  deleteData(home);
  rmSync(home.dir, { recursive: true, force: true });
}, 60_000);

async function startInProcess(): Promise<{ starter: ChildProcess; state: StackState }> {
  const starter = spawn(process.execPath, [join(checkout, 'stack', 'cli.ts'), 'supervise'], {
    env: {
      ...process.env,
      MILLRACE_HOME: home.dir,
      ...Object.fromEntries(Object.entries(portVariables).map(([name, variable]) => [variable, String(ports[name as keyof Ports])])),
    },
    stdio: 'ignore',
  });
  starters.push(starter);
  const state = await eventually(
    () => {
      const found = readState(home);
      if (found?.starter.pid !== starter.pid || !found?.ready)
        throw new Error(`not ready; ${readLogEnd(join(home.logs, 'connect.log'), 5)}`);
      return found;
    },
    { timeoutMs: 120_000 },
  );
  return { starter, state };
}

async function query(text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: environmentOf(home, ports, 'millrace').INSTANCE_DATABASE_URL });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

/** The watchdog is the only child of the starter that is not a part. */
async function killWatchdogOf(starter: ChildProcess): Promise<void> {
  const { stdout } = await promisify(execFile)('ps', ['-e', '-o', 'pid=,ppid=,args=']);
  const line = stdout.split('\n').find((text) => text.includes('watchdog.mjs') && text.trim().split(/\s+/)[1] === String(starter.pid));
  process.kill(Number(line?.trim().split(/\s+/)[0]), 'SIGKILL');
}

async function expectNothingRuns(state: StackState): Promise<void> {
  await eventually(() => {
    const alive = partNames.filter((name) => {
      const part = state.parts[name];
      return part !== undefined && isAlive(part);
    });
    expect(alive).toEqual([]);
  });
  await eventually(() => assertPortsFree(ports, partNames));
}

/** Files and folders that other users of this machine could read. */
function openToOthers(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => {
      const found = lstatSync(path, { throwIfNoEntry: false });
      return found !== undefined && !found.isSymbolicLink() && (found.mode & 0o077) !== 0;
    });
}

test('a killed starter leaves nothing running, and the next start finds all data', { timeout: 240_000 }, async () => {
  const first = await startInProcess();
  expect(Object.keys(first.state.parts).sort()).toEqual([...partNames].sort());
  expect(openToOthers(home.dir)).toEqual([]);
  await query('create table kept as select 42 as answer');
  const subjects = `http://${host}:${ports.registry}${registryApiPath}/subjects`;
  const registered = await fetch(`${subjects}/kept/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: '{"type":"record","name":"Kept","fields":[]}' }),
  });
  const { id } = (await registered.json()) as { id: number };

  first.starter.kill('SIGKILL');
  await once(first.starter, 'exit');
  await expectNothingRuns(first.state);

  const second = await startInProcess();
  expect(await query('select answer from kept')).toEqual([{ answer: 42 }]);
  expect(await (await fetch(`${subjects}/kept/versions/latest`)).json()).toMatchObject({ id, subject: 'kept' });

  await expect(startStack({ home: home.dir, ports: 'free' })).rejects.toThrow(/A stack is running in .*stack:down/);

  // Now the starter and its watchdog: whatever is left is ended by the next start.
  await killWatchdogOf(second.starter);
  second.starter.kill('SIGKILL');
  await once(second.starter, 'exit');
  expect(await endLeftovers(home)).toEqual(expect.arrayContaining([...partNames]));
  await expectNothingRuns(second.state);
});

test('a part that is killed on request starts again; one that dies is reported with the end of its log', { timeout: 240_000 }, async () => {
  const deaths: Death[] = [];
  const stack = await startStack({ home: home.dir, ports, onDeath: (death) => deaths.push(death) });
  try {
    const state = readState(home);
    await stack.kill('kafka');
    await expect(assertPortsFree(ports, ['kafka'])).resolves.toBeUndefined();
    await stack.start('kafka');
    await eventually(() => probeHttp(`${stack.env.KAFKA_CONNECT_URL}/connectors`, connectLogin(stack.env)));
    expect(deaths).toEqual([]);

    const registry = state?.parts.registry;
    if (registry === undefined) throw new Error('the state file does not name the registry');
    process.kill(registry.pid, 'SIGKILL');
    await eventually(() => expect(deaths).toMatchObject([{ part: 'registry', exit: { code: null, signal: 'SIGKILL' } }]));
    expect(describeDeath(deaths[0] as Death)).toContain(`The end of ${join(home.logs, 'registry.log')}:`);
  } finally {
    await stack.stop();
  }
  expect(readState(home)).toBeNull();
  await assertPortsFree(ports, partNames);
});

test('names every port that somebody else listens on', async () => {
  const server = createServer();
  server.listen({ port: ports.kafka, host });
  await once(server, 'listening');
  try {
    await expect(assertPortsFree(ports, ['api', ...partNames])).rejects.toThrow(`Port ${ports.kafka} is in use, and Kafka needs it.`);
  } finally {
    server.close();
  }
});
