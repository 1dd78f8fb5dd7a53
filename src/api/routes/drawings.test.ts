import { expect, it } from 'vitest';
import { withApproval } from '../testing/definitions.ts';
import { expectProblem } from '../testing/test-api.ts';

it('draws a version of a definition, as SVG unless asked for Mermaid', async () => {
  const { ask } = await withApproval();
  const svg = await ask('GET', '/v1/definitions/approval/versions/1/drawing');
  expect(svg).toMatchObject({ status: 200, body: expect.stringMatching(/^<svg [\s\S]*<title>approve, human<\/title>/) });
  expect(svg.headers).toMatchObject({
    'content-type': 'image/svg+xml; charset=utf-8',
    'content-security-policy': expect.stringContaining("default-src 'none'"),
    'x-content-type-options': 'nosniff',
  });
  const mermaid = await ask('GET', '/v1/definitions/approval/versions/1/drawing?format=mermaid');
  expect(mermaid).toMatchObject({ status: 200, body: expect.stringMatching(/^flowchart TB\n/) });
  expect(mermaid.headers['content-type']).toBe('text/vnd.mermaid; charset=utf-8');
});

it('draws an instance, coloured by what became of each node', async () => {
  const { ask, id } = await withApproval();
  expect(await ask('GET', `/v1/instances/${id}/drawing`)).toMatchObject({
    status: 200,
    body: expect.stringContaining('<title>approve, human, running</title>'),
  });
});

it('answers 404 for what is not there, and 400 for another format', async () => {
  const { ask, id } = await withApproval();
  for (const url of [
    '/v1/definitions/approval/versions/2/drawing',
    '/v1/definitions/approval/versions/x/drawing',
    '/v1/definitions/other/versions/1/drawing',
  ])
    expectProblem(await ask('GET', url), 404, 'MR_NOT_FOUND');
  expectProblem(await ask('GET', `/v1/instances/${id.replaceAll(/[0-9a-f]/g, '0')}/drawing`), 404, 'MR_NOT_FOUND');
  expectProblem(await ask('GET', `/v1/instances/${id}/drawing?format=png`), 400, 'MR_REQUEST_INVALID');
});

it('gives the schema for editors without a key', async () => {
  const { app } = await withApproval();
  const answer = await app.inject({ method: 'GET', url: '/definition.schema.json' });
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['content-type']).toContain('application/schema+json');
  expect(answer.json()).toMatchObject({ title: 'Millrace workflow definition' });
});
