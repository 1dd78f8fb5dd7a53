/** Which ports the stack takes: the defaults, what the environment says, or free ones; and the message when one is taken. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { defaultPorts, host, type PortName, type Ports, portVariables } from './settings.ts';

const names: readonly PortName[] = ['api', 'kafka', 'registry', 'connect', 'postgres'];

const services: Record<PortName, string> = {
  api: 'the API',
  kafka: 'Kafka',
  registry: 'the schema registry',
  connect: 'Kafka Connect',
  postgres: 'Postgres',
};

/** Ports from the environment, defaults where it is silent. Throws on a value that is no port and on two alike. */
export function readPorts(env: Readonly<Record<string, string | undefined>>): Ports {
  const ports = { ...defaultPorts } as { -readonly [name in PortName]: number };
  for (const name of names) {
    const text = env[portVariables[name]];
    if (text === undefined || text === '') continue;
    const port = Number(text);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new Error(`${portVariables[name]} must be a port between 1 and 65535, but is "${text}".`);
    }
    ports[name] = port;
  }
  for (const name of names) {
    const twin = names.find((other) => other !== name && ports[other] === ports[name]);
    if (twin !== undefined) {
      throw new Error(
        `${services[name]} and ${services[twin]} cannot both have port ${ports[name]}: change ${portVariables[name]} or ${portVariables[twin]}.`,
      );
    }
  }
  return ports;
}

export function portInUseMessage(name: PortName, port: number): string {
  return `Port ${port} is in use, and ${services[name]} needs it. Free it, or choose another one: ${portVariables[name]}=${port + 10_000 > 65_535 ? port - 10_000 : port + 10_000} npm start`;
}

/** Throws, naming every port of `wanted` that somebody else listens on. */
export async function assertPortsFree(ports: Ports, wanted: readonly PortName[]): Promise<void> {
  const taken: string[] = [];
  for (const name of wanted) if (!(await isFree(ports[name]))) taken.push(portInUseMessage(name, ports[name]));
  if (taken.length > 0) throw new Error(taken.join('\n'));
}

// Below the range from which systems take the ports of outgoing connections: a port found free stays free until it is used.
const freeRange = { from: 20_000, to: 32_000 } as const;

/** A port on which nobody listens right now and that is none of `except`. */
export async function findFreePort(except: ReadonlySet<number> = new Set()): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const port = randomInt(freeRange.from, freeRange.to);
    if (!except.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`No free port found between ${freeRange.from} and ${freeRange.to}.`);
}

export async function findFreePorts(): Promise<Ports> {
  const found = new Set<number>();
  const ports = { ...defaultPorts } as { -readonly [name in PortName]: number };
  for (const name of names) {
    ports[name] = await findFreePort(found);
    found.add(ports[name]);
  }
  return ports;
}

export async function isFree(port: number): Promise<boolean> {
  return await new Promise<boolean>((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
