/** Whether the process of this container is ready: the API on its own port, all others on METRICS_PORT. */
const { METRICS_PORT = '0', PORT = '8080' } = process.env;
const port = METRICS_PORT === '0' ? PORT : METRICS_PORT;
try {
  const response = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(4_000) });
  const text = await response.text();
  process.stdout.write(text.slice(0, 1_000));
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(String(error));
  process.exitCode = 1;
}
