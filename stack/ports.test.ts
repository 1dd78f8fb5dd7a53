import { expect, test } from 'vitest';
import { portInUseMessage, readPorts } from './ports.ts';
import { defaultPorts } from './settings.ts';

test('takes the default ports where the environment says nothing', () => {
  expect(readPorts({})).toEqual(defaultPorts);
});

test('takes each port from its own variable', () => {
  expect(readPorts({ PORT: '1', KAFKA_PORT: '2', REGISTRY_PORT: '3', CONNECT_PORT: '4', POSTGRES_PORT: '5' })).toEqual({
    api: 1,
    kafka: 2,
    registry: 3,
    connect: 4,
    postgres: 5,
  });
});

test.each(['0', '65536', 'kafka', '9092.5', '-1'])('refuses %s as a port and names the variable', (value) => {
  expect(() => readPorts({ KAFKA_PORT: value })).toThrow(`KAFKA_PORT must be a port between 1 and 65535, but is "${value}".`);
});

test('refuses one port for two services and names both variables', () => {
  expect(() => readPorts({ REGISTRY_PORT: '8083' })).toThrow('change REGISTRY_PORT or CONNECT_PORT');
});

test('says which port is in use, who needs it and how to choose another', () => {
  expect(portInUseMessage('kafka', 9092)).toBe(
    'Port 9092 is in use, and Kafka needs it. Free it, or choose another one: KAFKA_PORT=19092 npm start',
  );
  expect(portInUseMessage('postgres', 54320)).toBe(
    'Port 54320 is in use, and Postgres needs it. Free it, or choose another one: POSTGRES_PORT=64320 npm start',
  );
});
