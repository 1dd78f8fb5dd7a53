/**
 * A terminal in the checkout as somebody has it who just cloned it: the system's Node, a home and ports of its own, no
 * setting of ours in the environment. Runs command lines, and sends the signals of Ctrl-C. There is no input: what asks
 * gets no answer.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { exampleServer } from '../../stack/engine.ts';
import { checkout } from '../../stack/home.ts';
import { identify, type ProcessIdentity } from '../../stack/identity.ts';
import type { Exit } from '../../stack/process.ts';
import { signalGroup } from '../../stack/process.ts';
import { type PortName, type Ports, portVariables } from '../../stack/settings.ts';
import { eventually } from './eventually.ts';

export type Said = { readonly code: number | null; readonly output: string; readonly errors: string };

export type SeenProcess = ProcessIdentity & { readonly command: string };

export type Terminal = {
  /** Runs shell commands to their end, the first that fails ends them. */
  run(commands: string): Promise<Said>;
  /** Starts one that goes on until it is stopped. */
  start(command: string, ...args: readonly string[]): Foreground;
};

export function openTerminal(home: string, ports: Ports, exampleServerPort: number): Terminal {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|MILLRACE_(?!CACHE$)|CI$|FORCE_COLOR$)|_URL$/.test(name));
  const env = {
    ...Object.fromEntries(own),
    PATH: (process.env.PATH ?? '')
      .split(delimiter)
      .filter((folder) => !folder.endsWith(join('node_modules', '.bin')))
      .join(delimiter),
    NO_COLOR: '1',
    MILLRACE_HOME: home,
    [exampleServer.variable]: String(exampleServerPort),
    ...Object.fromEntries(Object.entries(portVariables).map(([name, variable]) => [variable, String(ports[name as PortName])])),
  };
  const open = (command: string, args: readonly string[]): Foreground =>
    new Foreground(spawn(command, args, { cwd: checkout, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] }));
  return {
    run: async (commands) => {
      const shell = open('sh', ['-euc', commands]);
      const { code } = await shell.ended;
      return { code, output: shell.output, errors: shell.errors };
    },
    start: (command, ...args) => open(command, args),
  };
}

/** What runs in the foreground of a terminal: a process group. */
export class Foreground {
  /** When it has ended and all of its output was read. */
  readonly ended: Promise<Exit>;
  readonly #process: ChildProcess;
  #output = '';
  #errors = '';

  constructor(process: ChildProcess) {
    this.#process = process;
    process.stdout?.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString();
    });
    process.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    this.ended = new Promise((resolve, reject) => {
      process.once('error', reject);
      process.once('close', (code, signal) => resolve({ code, signal }));
    });
  }

  get output(): string {
    return this.#output;
  }

  get errors(): string {
    return this.#errors;
  }

  /** Resolves when it has said so; rejects with all it said when it ends before, or takes more than three minutes. */
  async says(text: string): Promise<void> {
    const early = this.ended.then(({ code, signal }) => {
      if (!this.#output.includes(text)) throw new Error(`It ended (${code ?? signal}) and said\n${this.#output}${this.#errors}`);
    });
    const said = eventually(
      () => {
        if (!this.#output.includes(text)) throw new Error(`It has not said "${text}", but\n${this.#output}${this.#errors}`);
      },
      { timeoutMs: 180_000 },
    );
    await Promise.race([said, early]);
  }

  /** All processes that come from it, in whatever group, as of now. */
  async processes(): Promise<readonly SeenProcess[]> {
    const { stdout } = await promisify(execFile)('ps', ['-e', '-o', 'pid=,ppid=,args=']);
    const rows = stdout.split('\n').flatMap((line) => {
      const [, pid, parent, command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
    });
    const found = new Set(this.#process.pid === undefined ? [] : [this.#process.pid]);
    // A set is walked to what is added on the way.
    for (const pid of found) for (const row of rows) if (row.parent === pid) found.add(row.pid);
    return rows.flatMap(({ pid, command }) => {
      const identity = found.has(pid) ? identify(pid) : null;
      return identity === null ? [] : [{ ...identity, command }];
    });
  }

  /** Ctrl-C: the whole group gets the signal. */
  interrupt(): void {
    this.#signal('SIGINT');
  }

  /** A crash of all that is in the foreground. */
  kill(): void {
    this.#signal('SIGKILL');
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#process.pid !== undefined) signalGroup(this.#process.pid, signal);
  }
}
