/**
 * Who may import whom (docs/architecture.md, "Where the code is"): core <- contract, store, messaging, service; core, store,
 * messaging <- engine; all of these <- api, client, task-consumer, orchestrator <- cli; core <- scenarios <- cli. Run by `npm run lint:imports`. Tests
 * beside the sources may import what they like.
 */
const tests = '\\.test\\.ts$|/testing/';

export default {
  forbidden: [
    {
      name: 'core-is-pure',
      comment: 'The core is the same wherever it runs: nothing of ours outside it, nothing of Node.',
      severity: 'error',
      from: { path: '^src/core/', pathNot: tests },
      to: { path: '^(src|stack|connect|test)/', pathNot: '^src/core/' },
    },
    {
      name: 'core-without-node',
      comment: 'No clock, no files, no network in the core and in the contract. One file hashes with what Node has.',
      severity: 'error',
      from: { path: '^src/(core|contract)/', pathNot: `^src/core/hash\\.ts$|${tests}` },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'hash-needs-crypto-only',
      severity: 'error',
      from: { path: '^src/core/hash\\.ts$' },
      to: { pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'core-without-clients',
      severity: 'error',
      from: { path: '^src/core/', pathNot: tests },
      to: { path: 'node_modules/(pg|kafkajs|fastify|undici|pino|prom-client|avsc)/' },
    },
    {
      name: 'ports-know-the-core-only',
      comment: 'Store, messaging and service stand beside each other; who needs two of them is a process and wires them.',
      severity: 'error',
      from: { path: '^src/(store|messaging|service)/', pathNot: tests },
      to: { path: '^src/', pathNot: '^src/(core|$1)/' },
    },
    {
      name: 'engine-knows-core-and-ports-only',
      comment: 'What happens to instances is the same in every process: it knows no configuration, no log and no metrics.',
      severity: 'error',
      from: { path: '^src/engine/', pathNot: tests },
      to: { path: '^src/', pathNot: '^src/(core|engine|store|messaging)/' },
    },
    {
      name: 'postgres-behind-its-port',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/store/|${tests}` },
      to: { path: 'node_modules/(pg|node-pg-migrate)/' },
    },
    {
      name: 'kafka-behind-its-port',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/messaging/kafkajs/|${tests}` },
      to: { path: 'node_modules/kafkajs' },
    },
    {
      name: 'implementations-are-wired-in-main',
      comment: 'A process reaches Postgres and Kafka through their ports; only its main.ts knows what is behind them.',
      severity: 'error',
      from: { path: '^src/(engine|api|task-consumer|orchestrator|worker)/', pathNot: `/main\\.ts$|${tests}` },
      to: { path: '^src/(store/(postgres|memory)|messaging/kafkajs)/' },
    },
    {
      name: 'processes-do-not-know-each-other',
      severity: 'error',
      from: { path: '^src/(api|task-consumer|orchestrator)/', pathNot: tests },
      to: { path: '^src/(api|task-consumer|orchestrator|cli|console)/', pathNot: '^src/$1/' },
    },
    {
      name: 'nobody-imports-the-dev-engine',
      comment: 'It puts whole processes together, so only the command line may start it.',
      severity: 'error',
      from: { path: '^(src|connect|stack)/', pathNot: `^src/(dev|cli)/|${tests}` },
      to: { path: '^src/dev/' },
    },
    {
      name: 'nobody-imports-the-command-line',
      comment: 'The command line may import everything, by paths that this check sees; nothing may import it.',
      severity: 'error',
      from: { path: '^(src|connect|stack)/', pathNot: `^src/cli/|${tests}` },
      to: { path: '^src/cli/' },
    },
    {
      name: 'nobody-imports-the-outside',
      comment: 'The engine does not know what starts it, tests it or shows it.',
      severity: 'error',
      from: { path: '^src/', pathNot: tests },
      to: { path: '^(stack|test|bench|examples)/|^src/console/' },
    },
    {
      name: 'scenarios-know-the-core-only',
      comment: 'A scenario runs on the pure core: no database, no Kafka, no file and no clock.',
      severity: 'error',
      from: { path: '^src/scenarios/', pathNot: tests },
      to: { path: '^(src|stack|connect|test)/', pathNot: '^src/(core|scenarios)/' },
    },
    {
      name: 'scenarios-without-node',
      severity: 'error',
      from: { path: '^src/scenarios/', pathNot: tests },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'only-the-command-line-runs-scenarios',
      severity: 'error',
      from: { path: '^(src|stack|connect)/', pathNot: `^src/(scenarios|cli)/|${tests}` },
      to: { path: '^src/scenarios/' },
    },
    {
      name: 'texts-of-definitions-know-the-core-only',
      comment: 'They make texts of definitions: the same in the API and on the command line.',
      severity: 'error',
      from: { path: '^src/(drawing|editor|explain|typescript)/', pathNot: tests },
      to: { path: '^(src|stack|connect|test)/', pathNot: '^src/(core|$1)/' },
    },
    {
      name: 'the-contract-knows-the-core-only',
      comment: 'What REST takes and gives is shared by server and clients, so it needs neither.',
      severity: 'error',
      from: { path: '^src/contract/', pathNot: tests },
      to: { path: '^(src|stack|connect|test)/', pathNot: '^src/(core|contract)/' },
    },
    {
      name: 'the-client-imports-no-server',
      comment: "Somebody else's program imports it: it needs the contract and types of the core.",
      severity: 'error',
      from: { path: '^src/client/', pathNot: tests },
      to: { path: '^(src|stack|connect|test)/', pathNot: '^src/(core|contract|client)/' },
    },
    {
      name: 'connect-knows-names-only',
      comment: 'The connector speaks to Connect alone: of the store it knows what the tables are called, of Kafka nothing.',
      severity: 'error',
      from: { path: '^connect/', pathNot: tests },
      to: { path: '^(src|stack|test)/', pathNot: '^src/(core|service|messaging)/|^src/store/outbox-names\\.ts$' },
    },
    {
      name: 'no-circular',
      severity: 'error',
      from: { path: '^(src|stack|connect)/' },
      to: { circular: true },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    // What was built for a package, which a checkout may have or not.
    exclude: { path: '(^|/)\\.millrace|^(\\.\\./\\.\\./)?dist/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['millrace-source', 'import', 'node', 'default'] },
  },
};
