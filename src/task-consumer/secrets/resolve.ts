/** Puts secrets into the input of a task, at the places that the task names and nowhere else. */
import type { Json } from '../../core/json.ts';
import { encodeComponent } from '../../core/nodes/http/url.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { type SecretUse, secretReference } from '../../core/secrets.ts';
import type { FailedAttempt } from '../attempt-result.ts';
import { failed, failedForNow } from '../attempt-result.ts';
import type { SecretSource } from './secret-source.ts';

export type ResolvedInput = {
  readonly input: Json;
  /** Values by their names, to be removed from results. */
  readonly values: ReadonlyMap<string, string>;
};

export async function resolveSecrets(
  input: Json,
  uses: readonly SecretUse[],
  source: SecretSource,
): Promise<Result<ResolvedInput, FailedAttempt>> {
  const values = new Map<string, string>();
  for (const { name } of uses) {
    if (values.has(name)) continue;
    const value = await findOne(source, name);
    if (typeof value !== 'string') return err(value);
    values.set(name, value);
  }
  const byPointer = Map.groupBy(uses, ({ pointer }) => pointer);
  let filled = input;
  for (const [pointer, places] of byPointer) {
    const replaced = replaceAt(filled, tokensOf(pointer), (text) => fill(text, places, values));
    if (!replaced.ok) return err(failed('INPUT_INVALID', `${pointer}: ${replaced.error}`));
    filled = replaced.value;
  }
  return ok({ input: filled, values });
}

async function findOne(source: SecretSource, name: string): Promise<string | FailedAttempt> {
  try {
    const value = await source.find(name);
    const help = 'give it one, as a file of MILLRACE_SECRETS_DIR or a variable of its environment, then retry.';
    return value ?? failed('SECRET_UNKNOWN', `This worker has no secret "${name}": ${help}`);
  } catch (error) {
    // The error's message may quote the value.
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
    return failedForNow('SECRET_UNREADABLE', `The file of the secret "${name}" cannot be read: ${code}.`);
  }
}

function tokensOf(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A copy of the value with another string at that place; unchanged parts are shared. */
function replaceAt(value: Json, tokens: readonly string[], change: (text: string) => Result<string, string>): Result<Json, string> {
  const [token, ...rest] = tokens;
  if (token === undefined) return typeof value === 'string' ? change(value) : err('the place that is named holds no string.');
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, token)) return err('the place that is named does not exist.');
  const member = replaceAt((value as { readonly [key: string]: Json })[token] ?? null, rest, change);
  if (!member.ok) return member;
  if (Array.isArray(value)) return ok((value as readonly Json[]).with(Number(token), member.value));
  return ok(Object.fromEntries(Object.entries(value).map(([key, other]) => [key, key === token ? member.value : other])));
}

function fill(text: string, places: readonly SecretUse[], values: ReadonlyMap<string, string>): Result<string, string> {
  let filled = '';
  let copied = 0;
  for (const { offset, name, encoding } of places) {
    const reference = secretReference(name);
    if (offset < copied || !text.startsWith(reference, offset))
      return err('there is no reference to the secret at the place that is named.');
    const value = values.get(name) ?? '';
    const end = offset + reference.length;
    if (encoding === 'base' && (value.includes('#') || value.includes('?')))
      return err(`the secret "${name}" begins a longer url, so it must have no query and no fragment.`);
    filled += text.slice(copied, offset) + (encoding === 'component' ? encodeComponent(value) : value);
    copied = end;
  }
  return ok(filled + text.slice(copied));
}
