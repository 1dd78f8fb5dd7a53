/** The command line as a process of its own, with a home of its own and a server that a test answers for. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

export type CommandLine = {
  readonly home: string;
  readonly url: string;
  /** What the server does with a request; 500 until a test sets it. */
  answer: RequestListener;
  answering(status: number, body: unknown): void;
  millrace(args: readonly string[], env?: Readonly<Record<string, string>>, input?: string, program?: string): Promise<Ended>;
  close(): Promise<void>;
};

export async function openCommandLine(): Promise<CommandLine> {
  const home = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
  const server = createServer((request, response) => line.answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const line: CommandLine = {
    home,
    url,
    answer: (_, response) => response.writeHead(500).end(),
    answering: (status, body) => {
      line.answer = (_, response) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    },
    millrace: async (args, env = {}, input = '', program = main) =>
      await ended([program, ...args], { MILLRACE_HOME: home, MILLRACE_URL: url, ...env }, input),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(home, { recursive: true });
    },
  };
  return line;
}

async function ended(argv: readonly string[], env: Readonly<Record<string, string>>, input: string): Promise<Ended> {
  const child = spawn(process.execPath, argv, {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, ...env },
  });
  child.stdin.end(input);
  const [[code], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  return { code: code as number | null, stdout, stderr };
}
