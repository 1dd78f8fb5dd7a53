/** JUnit XML: hostile names are escaped. */
import { expect, it } from 'vitest';
import { junitXml } from './junit.ts';

it('holds every scenario with its time, and what failed', () => {
  const failures = [{ pointer: '/scenarios/1/expect/status', message: 'Expected "a" & <b>\u0000.' }];
  const results = [
    { name: 'passes', failures: [], history: [], durationMs: 1.5 },
    { name: '"fails" <now>', failures, history: [], durationMs: 2 },
  ];
  expect(junitXml([{ file: 'a/b.scenario.json', definitionId: 'order', results }])).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="millrace test" tests="2" failures="1" errors="0" time="0.003500">
  <testsuite name="a/b.scenario.json" tests="2" failures="1" errors="0" time="0.003500">
    <testcase name="passes" classname="order" file="a/b.scenario.json" time="0.001500"/>
    <testcase name="&quot;fails&quot; &lt;now&gt;" classname="order" file="a/b.scenario.json" time="0.002000">
      <failure message="Expected &quot;a&quot; &amp; &lt;b&gt;\ufffd.">/scenarios/1/expect/status: Expected &quot;a&quot; &amp; &lt;b&gt;\ufffd.</failure>
    </testcase>
  </testsuite>
</testsuites>
`);
});
