/** How dependencies are watched: the audit against a registry of the test's own, and the bill of materials. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { billOfMaterials } from '../../packaging/bill-of-materials.ts';

const root = join(import.meta.dirname, '../..');

describe('The audit', () => {
  let cache: string;
  let server: Server | undefined;

  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), 'millrace-audit-'));
  });
  afterEach(async () => {
    rmSync(cache, { recursive: true });
    server?.closeAllConnections();
    await new Promise((resolve) => (server === undefined ? resolve(null) : server.close(resolve)));
    server = undefined;
  });

  async function registry(listener: RequestListener): Promise<string> {
    const opened = createServer(listener);
    server = opened;
    await new Promise<void>((resolve) => opened.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(opened.address() as AddressInfo).port}/`;
  }

  /** Answers the questions of npm: which advisories there are, and which versions a package has. */
  async function registryWith(advisories: object): Promise<string> {
    return await registry((request, response) => {
      response.setHeader('content-type', 'application/json');
      if (request.url?.startsWith('/-/npm/v1/security') === true) response.end(JSON.stringify(advisories));
      else response.end(JSON.stringify({ name: decodeURIComponent(request.url?.slice(1) ?? ''), versions: {}, 'dist-tags': {} }));
      request.resume();
    });
  }

  async function audit(url: string): Promise<{ readonly code: number | null; readonly said: string }> {
    const child = spawn(process.execPath, ['packaging/audit.ts'], {
      cwd: root,
      env: { ...process.env, npm_config_registry: url, npm_config_cache: cache, npm_config_proxy: '', npm_config_https_proxy: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const [said, , code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { code, said };
  }

  const advisory = (severity: string, title = 'It is broken', id = 1) => ({
    ...{ id, url: `https://advisories.example/${id}`, title, severity },
    ...{ vulnerable_versions: '*', cwe: [], cvss: { score: 0, vectorString: null } },
  });
  const nothing = 'The registry does not answer requests about advisories: nothing was checked.\n';

  test.each(['high', 'critical'])('fails on an advisory that is %s', async (severity) => {
    const { code, said } = await audit(await registryWith({ kafkajs: [advisory(severity)] }));
    expect(said).toBe('1 advisories that are high or critical. Run `npm audit --omit=dev`.\n');
    expect(code).toBe(1);
  });

  test('fails on a report of megabytes, too', async () => {
    const many = Array.from({ length: 400 }, (_, n) => advisory('critical', 'x'.repeat(10_000), n));
    expect(await audit(await registryWith({ kafkajs: many }))).toMatchObject({ code: 1, said: expect.stringContaining('Run `npm audit') });
  });

  test.each([
    ['none', {}],
    ['one that is moderate', { kafkajs: [advisory('moderate')] }],
    ['one of what only builds or tests', { vitest: [advisory('critical')] }],
    ['one of what is not installed', { 'left-out': [advisory('critical')] }],
  ])('passes with %s', async (_, advisories) => {
    expect(await audit(await registryWith(advisories))).toEqual({ code: 0, said: '0 advisories that are high or critical.\n' });
  });

  test('says that nothing was checked where nobody answers', async () => {
    const url = await registry(() => undefined);
    server?.close();
    expect(await audit(url)).toEqual({ code: 0, said: nothing });
  });

  test.each([
    ['a page', '<html>Welcome</html>', 200],
    ['half of an answer', '{"kafkajs":[', 200],
    ['that it knows no such thing', '{"error":"not found"}', 404],
    ['an error', 'oops', 500],
  ])('says that nothing was checked where the registry answers %s', async (_, body, status) => {
    const url = await registry((request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    expect(await audit(url)).toEqual({ code: 0, said: nothing });
  });
});

test('The bill of materials names what the lockfile installs to run, and nothing that it does not have', () => {
  const { metadata, components, dependencies } = billOfMaterials();
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version: string; readonly dev?: true }>>;
  };
  const installed = Object.entries(lock.packages).flatMap(([path, { version, dev }]) =>
    path === '' || dev === true ? [] : [`${path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)}@${version}`],
  );
  expect(new Set(components.map(({ name, version }) => `${name}@${version}`))).toEqual(new Set(installed));
  const known = new Set([metadata.component['bom-ref'], ...components.map((component) => component['bom-ref'])]);
  expect(dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]).filter((ref) => !known.has(ref))).toEqual([]);
});
