/** A task record carries the places of secrets; an invalid place makes the record invalid. */
import { expect, it } from 'vitest';
import type { TaskScheduled } from '../messaging/generated/records.ts';
import { readTaskRecord } from '../messaging/records/task-scheduled.ts';
import { scheduled } from './testing/fixture.ts';

const use = { pointer: '/key', offset: 2, name: 'KEY', encoding: 'none' };

function read(secrets: TaskScheduled['secrets']) {
  const record = scheduled({ secrets });
  return readTaskRecord(record, Buffer.from(record.instanceId));
}

it('reads the places of secrets, and none from a writer that does not know them', () => {
  expect(read([use, { ...use, encoding: 'component' }])).toMatchObject({ secrets: [use, { ...use, encoding: 'component' }] });
  expect(read(null)).toMatchObject({ secrets: [] });
});

it.each([
  { ...use, encoding: 'base64' },
  { ...use, offset: -1 },
  { ...use, name: '../KEY' },
  { ...use, name: '' },
])('takes %j for no record that a worker could run', (secret) =>
  expect(read([secret])).toMatchObject({
    code: expect.any(String),
    reason: 'a reference to a secret has a path or a name that it cannot have',
  }),
);
