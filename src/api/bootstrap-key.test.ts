import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ApiKey } from '../store/definition-store.ts';
import { type BootstrapKeyOptions, installBootstrapKey, installWorkerKey } from './bootstrap-key.ts';

class Keys {
  readonly rows = new Map<string, { readonly key: ApiKey; revoked: boolean }>();
  readonly said: unknown[] = [];

  async createApiKey(key: ApiKey, hash: Buffer): Promise<void> {
    const id = hash.toString('hex');
    if (!this.rows.has(id)) this.rows.set(id, { key, revoked: false });
  }
  async reinstateApiKey(hash: Buffer): Promise<void> {
    const row = this.rows.get(hash.toString('hex'));
    if (row !== undefined) row.revoked = false;
  }
  async findApiKey(hash: Buffer): Promise<ApiKey | null> {
    const row = this.rows.get(hash.toString('hex'));
    return row === undefined || row.revoked ? null : row.key;
  }
  async listApiKeys(): Promise<readonly ApiKey[]> {
    return [...this.rows.values()].filter(({ revoked }) => !revoked).map(({ key }) => key);
  }
  async revokeApiKey(keyId: string): Promise<boolean> {
    const row = [...this.rows.values()].find(({ key }) => key.keyId === keyId);
    if (row === undefined) return false;
    row.revoked = true;
    return true;
  }

  works(secret: string): boolean {
    const row = this.rows.get(createHash('sha256').update(secret).digest('hex'));
    return row !== undefined && !row.revoked;
  }

  async install(home: string, given: string | null = null): Promise<void> {
    const note = (...line: unknown[]): void => void this.said.push(line);
    await installBootstrapKey({ definitions: this, given, home, log: { info: note, warn: note } as BootstrapKeyOptions['log'] });
  }

  async installOfWorkers(given: string | null): Promise<void> {
    const note = (...line: unknown[]): void => void this.said.push(line);
    await installWorkerKey({ definitions: this, given, log: { info: note, warn: note } as BootstrapKeyOptions['log'] });
  }
}

async function newHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'millrace-key-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  return home;
}

const keyIn = async (home: string): Promise<string> => (await readFile(join(home, 'api-key'), 'utf8')).trim();

describe('The bootstrap key', () => {
  it('is made once, kept for its owner only, and never logged', async () => {
    const home = await newHome();
    const keys = new Keys();
    await keys.install(join(home, 'deep'));
    const secret = await keyIn(join(home, 'deep'));
    expect(secret).toMatch(/^mr_[\w-]{43}$/);
    expect((await stat(join(home, 'deep', 'api-key'))).mode & 0o777).toBe(0o600);
    expect(keys.works(secret)).toBe(true);
    expect(JSON.stringify(keys.said)).toContain('api-key');
    expect(JSON.stringify(keys.said)).not.toContain(secret);
    await keys.install(join(home, 'deep'));
    expect(await keyIn(join(home, 'deep'))).toBe(secret);
    expect(keys.rows.size).toBe(1);
  });

  it('is one, however many processes start at once', async () => {
    const home = await newHome();
    const keys = new Keys();
    await Promise.all(Array.from({ length: 8 }, () => keys.install(home)));
    expect(keys.rows.size).toBe(1);
    expect(keys.works(await keyIn(home))).toBe(true);
    expect(await readdir(home)).toEqual(['api-key']);
  });

  it('in the file works again with a new database', async () => {
    const home = await newHome();
    await new Keys().install(home);
    const fresh = new Keys();
    await fresh.install(home);
    expect(fresh.works(await keyIn(home))).toBe(true);
  });

  it('is not made again where another home holds it', async () => {
    const keys = new Keys();
    await keys.install(await newHome());
    const other = await newHome();
    await keys.install(other);
    expect(keys.rows.size).toBe(1);
    expect(await readdir(other)).toEqual([]);
  });

  it('that a person has revoked does not come back with a restart', async () => {
    const home = await newHome();
    const keys = new Keys();
    await keys.install(home);
    const [key] = await keys.listApiKeys();
    await keys.revokeApiKey(key?.keyId ?? '');
    await keys.install(home);
    expect(keys.works(await keyIn(home))).toBe(false);
    expect(JSON.stringify(keys.said)).toContain('was revoked');
  });

  it('can be given; changing it revokes the one before, and changing it back works', async () => {
    const home = await newHome();
    const keys = new Keys();
    await keys.install(home, 'first-secret-0123456789');
    await keys.install(home, 'first-secret-0123456789');
    expect(keys.works('first-secret-0123456789')).toBe(true);
    await keys.install(home, 'other-secret-0123456789');
    expect(keys.works('first-secret-0123456789')).toBe(false);
    expect(keys.works('other-secret-0123456789')).toBe(true);
    await keys.install(home, 'first-secret-0123456789');
    expect(keys.works('first-secret-0123456789')).toBe(true);
    expect(keys.works('other-secret-0123456789')).toBe(false);
    expect(await readdir(home)).toEqual([]);
  });

  it('that is given revokes no key that a person has made', async () => {
    const keys = new Keys();
    const made: ApiKey = { keyId: '0189', subject: 'ops', role: 'admin', taskRoles: [], createdAt: 0 };
    await keys.createApiKey(made, createHash('sha256').update('made-by-a-person-0123').digest());
    await keys.install(await newHome(), 'first-secret-0123456789');
    expect(keys.works('made-by-a-person-0123')).toBe(true);
  });

  it('in a file that holds none is refused with the remedy', async () => {
    const home = await newHome();
    await writeFile(join(home, 'api-key'), 'too short\n');
    await chmod(join(home, 'api-key'), 0o600);
    await expect(new Keys().install(home)).rejects.toMatchObject({ code: 'MR_API_KEY_FILE', retryable: false });
  });
});

describe('The key of workers', () => {
  const first = 'worker-key-0123456789';
  const second = 'worker-key-9876543210';

  it('is installed where the API is given it, and only the last one counts', async () => {
    const keys = new Keys();
    const home = await newHome();
    await keys.install(home, 'admin-key-0123456789');
    await keys.installOfWorkers(first);
    await keys.installOfWorkers(first);
    expect((await keys.listApiKeys()).map(({ role, subject }) => [role, subject])).toEqual([
      ['admin', 'admin'],
      ['worker', 'worker'],
    ]);
    await keys.installOfWorkers(second);
    expect([keys.works(first), keys.works(second), keys.works('admin-key-0123456789')]).toEqual([false, true, true]);
    await keys.installOfWorkers(null);
    await keys.installOfWorkers(first);
    expect([keys.works(first), keys.works(second)]).toEqual([true, false]);
    await keys.install(home, 'admin-key-9876543210');
    expect(keys.works(first)).toBe(true);
  });

  it('is told where it is another key already', async () => {
    const keys = new Keys();
    await keys.install(await newHome(), first);
    await keys.installOfWorkers(first);
    expect(JSON.stringify(keys.said)).toContain('MILLRACE_WORKER_API_KEY is a key of the role admin already');
    expect(JSON.stringify(keys.said)).not.toContain(first);
  });
});
