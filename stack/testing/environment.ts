/** The environment of a stack on this machine, as its processes get it. */
import { engineEnvironment } from '../settings.ts';

export const stackEnvironment = engineEnvironment({
  home: '/home/ada/.millrace',
  prefix: 'millrace',
  brokers: '127.0.0.1:9092',
  registryUrl: 'http://127.0.0.1:8081',
  connectUrl: 'http://127.0.0.1:8083',
  postgres: { host: '127.0.0.1', port: 54_320 },
  passwords: { engine: 'engine-password', connect: 'connect-password', connectRest: 'rest-password' },
  apiPort: 8080,
});
