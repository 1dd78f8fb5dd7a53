/**
 * Compiles the host check of Connect's REST (stack/connect/host-check) into the shared cache, once for each state of its
 * sources and each Kafka. Like the downloads, it lands in a temporary folder first and is renamed when complete.
 */
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir, checkout } from '../home.ts';
import { type OnProgress, runStep } from '../progress.ts';
import { versions } from '../settings.ts';
import { moveUnlessThere, runTool } from './tool.ts';

export const hostCheckSources = join(checkout, 'stack', 'connect', 'host-check');

export const hostCheckStep = { step: 'install:host-check', title: "Compiling the host check of Connect's REST" } as const;

const missing =
  'There is no javac on the PATH. Connect is started with a small class of ours, which is compiled once: this needs a JDK 17 or later, ' +
  'a Java runtime alone is not enough. On Debian: apt install openjdk-17-jdk-headless';

/** Where the compiled check is, or will be. */
export function hostCheckFolder(sources = hostCheckSources): string {
  const hash = createHash('sha256').update(versions.kafka);
  for (const path of globSync('**/*', { cwd: sources, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort())
    hash.update(path.slice(sources.length)).update('\0').update(readFileSync(path)).update('\0');
  return join(cacheDir(), `host-check-${hash.digest('hex').slice(0, 12)}`);
}

/**
 * The folder of the compiled check, for Connect's class path; what is missing is compiled first.
 * @param kafka the folder of the jars that it is compiled against.
 */
export async function installHostCheck(
  kafka: string,
  onProgress: OnProgress,
  signal?: AbortSignal,
  sources = hostCheckSources,
): Promise<string> {
  const target = hostCheckFolder(sources);
  if (existsSync(target)) return target;
  await runStep(onProgress, hostCheckStep.step, hostCheckStep.title, async () => {
    const temporary = `${target}.${randomBytes(4).toString('hex')}.tmp`;
    try {
      mkdirSync(temporary, { recursive: true });
      // It runs for a moment: the quick compiler of the JVM is enough. 17, so that every Java that the stack takes can load it.
      const args = ['-J-XX:TieredStopAtLevel=1', '-J-XX:+UseSerialGC', '--release', '17', '-proc:none'];
      args.push('-cp', join(kafka, '*'), '-d', temporary, ...globSync('**/*.java', { cwd: sources }).map((file) => join(sources, file)));
      await runTool('javac', args, { signal, missing });
      cpSync(join(sources, 'META-INF'), join(temporary, 'META-INF'), { recursive: true });
      moveUnlessThere(temporary, target);
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  });
  return target;
}
