/** Runs the Java program of the example payment-confirmation, as its README says. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkout } from '../../stack/home.ts';
import { installJars } from '../../stack/install/jars.ts';

const execute = promisify(execFile);

export type Payment = { readonly invoice: string; readonly cents: number; readonly what: 'confirmed' | 'refused' };

/** Resolves when the brokers have the event. @param env of an engine process. */
export async function payByJava({ invoice, cents, what }: Payment, env: Readonly<Record<string, string>>): Promise<void> {
  const { kafka } = await installJars(() => undefined);
  await execute(join(checkout, 'examples/payment-confirmation/pay.sh'), [invoice, String(cents), what], {
    env: { ...process.env, KAFKA_JARS: kafka, ...paymentEnvironment(env) },
  });
}

/** Which brokers and which topic it writes to. */
export function paymentEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  return { KAFKA_BROKERS: env.KAFKA_BROKERS ?? '', EVENTS_TOPIC: `${env.MILLRACE_TOPIC_PREFIX}.events` };
}
