/** Connect's REST as the engine asks it: with the stack's login. For tests that look at what Connect has. */
import { connectRestHeaders } from '../../stack/settings.ts';
import { stackEnv } from './env.ts';

/** @param path with its slash. @param env of another stack than the one of all tests. */
export async function fetchConnect(path: string, init: RequestInit = {}, env: Readonly<Record<string, string>> = stackEnv()) {
  return await fetch(`${env.KAFKA_CONNECT_URL}${path}`, { ...init, headers: { ...connectLogin(env), ...init.headers } });
}

export function connectLogin(env: Readonly<Record<string, string>> = stackEnv()): Readonly<Record<string, string>> {
  return connectRestHeaders(env.KAFKA_CONNECT_PASSWORD ?? '');
}
