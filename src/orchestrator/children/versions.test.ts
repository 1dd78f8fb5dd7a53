/** Of which version a child is, whatever is deployed while its start is on its way and while it runs. */
import { expect, it } from 'vitest';
import { Family } from '../testing/family.ts';
import { memoryCodec } from '../testing/fixture.ts';

const { codec } = await memoryCodec();

it('A child is of the version that its node names, else of the one that is the latest when it starts, and stays on it', async () => {
  const told = (version: number) => ({ id: 'told', nodes: { n: { type: 'task', task: 'work' } }, output: { version } });
  const asks = (version?: number | 'latest') => ({ type: 'workflow', definition: 'told', ...(version === undefined ? {} : { version }) });
  const nodes = { pinned: asks(1), latest: asks('latest'), unnamed: asks(), second: asks(2) };
  const output = Object.fromEntries(Object.keys(nodes).map((node) => [node, `\${ nodes.${node}.output.version }`]));
  const family = await new Family(codec, [{ id: 'root', nodes, output }, told(1)]).begin('root');
  // While the starts are on their way.
  family.deploy(told(2));
  await family.applyAll();
  expect(
    family
      .of('told')
      .map(({ definitionVersion }) => definitionVersion)
      .sort(),
  ).toEqual([1, 2, 2, 2]);
  family.deploy(told(3));
  family.restart();
  for (const { instanceId } of family.of('told')) await family.works(instanceId);
  await family.rests();
  expect(family.state()).toMatchObject({ phase: 'completed', output: { pinned: 1, latest: 2, unnamed: 2, second: 2 } });
});
