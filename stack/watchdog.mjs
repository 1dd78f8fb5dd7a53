/**
 * The watchdog: a process of its own that holds the reading end of a pipe. When the starter ends for any reason, the
 * pipe ends and everything the starter had running is stopped, later parts first. Plain JavaScript without imports of
 * ours, so that nothing can keep it from starting. Lines on the pipe: `add <order> <pid> <signal>` and `remove <pid>`.
 */
import { createInterface } from 'node:readline';

const graceMs = 15_000;
const children = new Map();

// The starter handles Ctrl-C and hangups. The watchdog ends when the pipe closes.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const [verb, first, pid, signal] = line.split(' ');
  if (verb === 'add') children.set(Number(pid), { order: Number(first), signal });
  if (verb === 'remove') children.delete(Number(first));
});
lines.on('close', async () => {
  const orders = [...new Set([...children.values()].map(({ order }) => order))].sort((a, b) => b - a);
  for (const order of orders) {
    const pids = [...children].filter(([, child]) => child.order === order).map(([pid]) => pid);
    for (const pid of pids) send(pid, children.get(pid).signal);
    await untilGone(pids);
    for (const pid of pids) send(pid, 'SIGKILL');
  }
  process.exit(0);
});

function send(pid, signal) {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false; // the group is gone, which is the aim
  }
}

async function untilGone(pids) {
  const deadline = Date.now() + graceMs;
  while (Date.now() < deadline && pids.some((pid) => send(pid, 0))) await new Promise((resolve) => setTimeout(resolve, 100));
}
