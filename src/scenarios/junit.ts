/** Results as JUnit XML, which CI servers read. */
import { escapeXml } from '../core/xml.ts';
import type { ScenarioResult } from './run.ts';

export type SuiteResult = {
  /** Path of the scenario file. */
  readonly file: string;
  readonly definitionId: string;
  readonly results: readonly (Omit<ScenarioResult, 'parts'> & { readonly durationMs: number })[];
};

export function junitXml(suites: readonly SuiteResult[]): string {
  const all = suites.flatMap(({ results }) => results);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="millrace test" ${countsOf(all)}>`,
    ...suites.flatMap(suiteLines),
    '</testsuites>',
    '',
  ].join('\n');
}

function suiteLines({ file, definitionId, results }: SuiteResult): readonly string[] {
  return [
    `  <testsuite name="${escapeXml(file)}" ${countsOf(results)}>`,
    ...results.flatMap(({ name, failures, durationMs }) => {
      const open = `    <testcase name="${escapeXml(name)}" classname="${escapeXml(definitionId)}" file="${escapeXml(file)}" time="${secondsOf(durationMs)}"`;
      const [first] = failures;
      if (first === undefined) return [`${open}/>`];
      const text = failures.map(({ pointer, message }) => `${pointer}: ${message}`).join('\n');
      return [`${open}>`, `      <failure message="${escapeXml(first.message)}">${escapeXml(text)}</failure>`, '    </testcase>'];
    }),
    '  </testsuite>',
  ];
}

function countsOf(results: SuiteResult['results']): string {
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  const durationMs = results.reduce((sum, each) => sum + each.durationMs, 0);
  return `tests="${results.length}" failures="${failed}" errors="0" time="${secondsOf(durationMs)}"`;
}

function secondsOf(ms: number): string {
  return (ms / 1_000).toFixed(6);
}
