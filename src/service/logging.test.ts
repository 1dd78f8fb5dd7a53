import { describe, expect, it } from 'vitest';
import { createLogger, taskFields } from './logging.ts';
import { redactText } from './redact-text.ts';

function capture(): { readonly lines: string[]; readonly write: (line: string) => void } {
  const lines: string[] = [];
  return { lines, write: (line) => lines.push(line) };
}

describe('logs', () => {
  it('are JSON lines that name the process, the level in words, and the ids of a child', () => {
    const destination = capture();
    const log = createLogger({ name: 'api', level: 'info', destination }).child(
      taskFields({ taskId: 'i.pay', instanceId: 'i', attempt: 2 }),
    );
    log.info('hello');
    log.debug('not this one');
    expect(destination.lines).toHaveLength(1);
    expect(JSON.parse(destination.lines[0] ?? '')).toMatchObject({
      level: 'info',
      process: 'api',
      taskId: 'i.pay',
      instanceId: 'i',
      attempt: 2,
      msg: 'hello',
    });
  });

  it('hold no secret, whether it stands in a field, in a URL or in the message of an error', () => {
    const destination = capture();
    const log = createLogger({ name: 'api', level: 'info', destination });
    log.info({ password: 'hunter2', headers: { authorization: 'Bearer hunter2hunter2' }, config: { kafka: { password: 'hunter2' } } });
    log.error(
      { err: new Error('no answer from postgres://me:hunter2@db:5432/x', { cause: new Error('Basic aHVudGVyMg==') }) },
      'of amqp://u:hunter2@h',
    );
    const written = destination.lines.join('');
    expect(written).not.toMatch(/hunter2|aHVudGVyMg/);
    expect(written).toContain('postgres://me:[redacted]@db:5432/x');
  });

  it('leave harmless addresses and times alone', () => {
    const line = 'GET http://localhost:8080/a@b at 12:30:00 from user@example.org and "x":"y@z"';
    expect(redactText(line)).toBe(line);
  });
});
