/** What a home's stack is doing right now, asked of the processes and of the parts themselves. */
import { type Home, readSecrets } from './home.ts';
import { isAlive, residentMiB } from './identity.ts';
import { titleOf } from './index.ts';
import { readPorts } from './ports.ts';
import { connectRestHeaders, host, type PartName, partNames, registryApiPath } from './settings.ts';
import { readState } from './state.ts';
import { probeHttp, probeTcp } from './wait.ts';

/** `up`: runs and answers. `starting`: runs, does not answer. `died`: its process is gone though its starter is there. */
export type PartState = 'up' | 'starting' | 'died' | 'down';

export interface PartStatus {
  readonly part: PartName;
  readonly title: string;
  readonly state: PartState;
  readonly address: string;
  readonly pid: number | null;
  readonly residentMiB: number | null;
}

export interface StackStatus {
  readonly home: string;
  readonly starter: { readonly pid: number } | null;
  readonly startedAt: string | null;
  readonly prefix: string | null;
  readonly parts: readonly PartStatus[];
}

export async function readStatus(home: Home): Promise<StackStatus> {
  const found = readState(home);
  const ports = found?.ports ?? readPorts(process.env);
  const starterAlive = found !== null && isAlive(found.starter);
  const parts = partNames.map(async (part): Promise<PartStatus> => {
    const address = part === 'kafka' || part === 'postgres' ? `${host}:${ports[part]}` : `http://${host}:${ports[part]}`;
    const identity = found?.parts[part];
    if (identity === undefined || !isAlive(identity)) {
      return {
        part,
        title: titleOf(part),
        state: starterAlive && identity !== undefined ? 'died' : 'down',
        address,
        pid: null,
        residentMiB: null,
      };
    }
    const state = (await answers(home, part, ports[part])) ? 'up' : 'starting';
    return { part, title: titleOf(part), state, address, pid: identity.pid, residentMiB: residentMiB(identity.pid) };
  });
  return {
    home: home.dir,
    starter: starterAlive ? { pid: found.starter.pid } : null,
    startedAt: starterAlive ? found.startedAt : null,
    prefix: found?.prefix ?? null,
    parts: await Promise.all(parts),
  };
}

async function answers(home: Home, part: PartName, port: number): Promise<boolean> {
  const probe: Record<PartName, () => Promise<void>> = {
    kafka: () => probeTcp(host, port),
    postgres: () => probeTcp(host, port),
    registry: () => probeHttp(`http://${host}:${port}${registryApiPath}/subjects`),
    connect: () => probeHttp(`http://${host}:${port}/connectors`, connectRestHeaders(readSecrets(home).connectRest)),
  };
  return await probe[part]().then(
    () => true,
    () => false,
  );
}
