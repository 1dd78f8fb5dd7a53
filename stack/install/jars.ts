/**
 * Brings the jars of Kafka, Connect, Debezium and the registry by Maven into the shared cache. Each lands in a
 * temporary folder first and is renamed when complete, so an interrupted download is simply repeated, and two
 * starters may download at once. Never changes what is there already.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir, checkout } from '../home.ts';
import { type OnProgress, runStep } from '../progress.ts';
import { versions } from '../settings.ts';
import { hostCheckFolder, hostCheckStep, installHostCheck } from './host-check.ts';
import { moveUnlessThere, runTool } from './tool.ts';

export interface Jars {
  /** Jars of the broker and of the Connect worker. */
  readonly kafka: string;
  /** Connect's plugin.path, with Debezium in it. */
  readonly plugins: string;
  readonly registry: string;
  /** A folder of classes, for Connect's class path. */
  readonly hostCheck: string;
}

interface Bundle {
  readonly name: Exclude<keyof Jars, 'hostCheck'>;
  readonly title: string;
  readonly folder: string;
  readonly pom: string;
  readonly goal: 'copy-dependencies' | 'unpack-dependencies';
  readonly properties: Readonly<Record<string, string>>;
}

const bundles: readonly Bundle[] = [
  {
    name: 'kafka',
    title: `Kafka and Connect ${versions.kafka}`,
    // Another name than before Connect had a login: a folder without its jar is not taken.
    folder: `kafka-${versions.kafka}-login`,
    pom: 'stack/kafka/pom.xml',
    goal: 'copy-dependencies',
    properties: { 'kafka.version': versions.kafka, 'log4j.version': versions.log4j },
  },
  {
    name: 'plugins',
    title: `Debezium ${versions.debezium}`,
    folder: `debezium-${versions.debezium}`,
    pom: 'stack/connect/pom.xml',
    goal: 'unpack-dependencies',
    properties: { 'debezium.version': versions.debezium },
  },
  {
    name: 'registry',
    title: `Apicurio registry ${versions.apicurio}`,
    folder: `apicurio-${versions.apicurio}`,
    pom: 'stack/registry/pom.xml',
    goal: 'unpack-dependencies',
    properties: { 'apicurio.version': versions.apicurio },
  },
];

/** What `installJars` will have to download and to compile, as the steps of its progress. */
export function missingJars(): { readonly step: string; readonly title: string }[] {
  const missing = bundles.filter(({ folder }) => !existsSync(join(cacheDir(), folder)));
  const downloads = missing.map(({ name, title }) => ({ step: `install:${name}`, title: `Downloading ${title}` }));
  return existsSync(hostCheckFolder()) ? downloads : [...downloads, hostCheckStep];
}

/** The folders of all jars; what is missing is downloaded first, and what is ours compiled. */
export async function installJars(onProgress: OnProgress, signal?: AbortSignal): Promise<Jars> {
  const cache = cacheDir();
  mkdirSync(cache, { recursive: true });
  // One after the other: Maven shares a local repository that it does not lock.
  for (const bundle of bundles) {
    const target = join(cache, bundle.folder);
    if (existsSync(target)) continue;
    await runStep(onProgress, `install:${bundle.name}`, `Downloading ${bundle.title}`, () => installBundle(bundle, target, signal));
  }
  const folderOf = (name: Bundle['name']): string => join(cache, bundles.find((bundle) => bundle.name === name)?.folder ?? name);
  const hostCheck = await installHostCheck(folderOf('kafka'), onProgress, signal);
  return { kafka: folderOf('kafka'), plugins: folderOf('plugins'), registry: folderOf('registry'), hostCheck };
}

async function installBundle(bundle: Bundle, target: string, signal?: AbortSignal): Promise<void> {
  const temporary = `${target}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await runTool(
      'mvn',
      [
        '--batch-mode',
        '--quiet',
        '--file',
        join(checkout, bundle.pom),
        ...Object.entries(bundle.properties).map(([name, value]) => `-D${name}=${value}`),
        `org.apache.maven.plugins:maven-dependency-plugin:${versions.mavenDependencyPlugin}:${bundle.goal}`,
        `-DoutputDirectory=${temporary}`,
        // By default markers are beside the pom, and an interrupted unpacking would count as complete.
        `-DmarkersDirectory=${temporary}.markers`,
      ],
      { signal },
    );
    if (!existsSync(temporary)) throw new Error(`Maven brought nothing for ${bundle.title}.`);
    moveUnlessThere(temporary, target);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    rmSync(`${temporary}.markers`, { recursive: true, force: true });
  }
}
