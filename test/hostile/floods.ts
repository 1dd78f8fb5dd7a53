/** Many requests at once that each take as much as they may. */
import type { HostileLab } from '../support/hostile-lab.ts';

/** More than a process holds of bodies, in events that nobody waits for. @returns what each is answered, with what it says of a later try. */
export async function floodOfBodies(lab: HostileLab): Promise<readonly string[]> {
  const data = 'x'.repeat(500_000);
  const send = async (n: number): Promise<string> => {
    const response = await fetch(`${lab.engine.url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${lab.engine.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'hostile.flood', key: String(n), data }),
    });
    const { code = '' } = (await response.json()) as { readonly code?: string };
    return [response.status, code, response.headers.get('retry-after') ?? ''].join(' ').trim();
  };
  return await Promise.all(Array.from({ length: 250 }, (_, n) => send(n)));
}
