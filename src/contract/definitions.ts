/** Definitions as REST shows them. */
import { type Static, Type } from 'typebox';
import { Instant, JsonValue, PageOf } from './common.ts';
import { ErrorCount } from './field-errors.ts';

export const DefinitionSummary = Type.Object({
  id: Type.String(),
  latestVersion: Type.Integer(),
  versions: Type.Integer({ description: 'How many versions there are.' }),
  deployedAt: Instant,
  title: Type.Union([Type.String(), Type.Null()], { description: 'Of the latest version, as its description and labels are.' }),
  description: Type.Union([Type.String(), Type.Null()]),
  labels: Type.Record(Type.String(), Type.String()),
});
export const DefinitionPage = PageOf(DefinitionSummary);

const VersionSummary = Type.Object({
  version: Type.Integer(),
  contentHash: Type.String({ description: 'SHA-256 of the canonical document.' }),
  deployedAt: Instant,
  deployedBy: Type.String(),
});

export const DefinitionVersion = Type.Object({
  id: Type.String(),
  version: Type.Integer(),
  document: JsonValue,
  contentHash: Type.String(),
  deployedAt: Instant,
  deployedBy: Type.String(),
});

/** The latest version, and a summary of each. */
export const DefinitionDetail = Type.Object({
  ...DefinitionVersion.properties,
  versions: Type.Array(VersionSummary, { description: 'The newest 500, newest first.' }),
});

export const DefinitionError = Type.Object({ pointer: Type.String(), code: Type.String(), message: Type.String() });
const Warnings = Type.Array(DefinitionError, { description: 'What is not an error, but should be looked at.' });

export const Deployed = Type.Object({
  id: Type.String(),
  version: Type.Integer(),
  created: Type.Boolean({ description: 'false: the same content had been deployed before, and its version stays.' }),
  runningByVersion: Type.Array(
    Type.Object({ version: Type.Integer(), running: Type.Integer({ description: 'Instances that have not ended.' }) }),
    { description: 'Running instances stay on their version.' },
  ),
  warnings: Warnings,
});

export const Validation = Type.Object({
  valid: Type.Boolean(),
  errors: Type.Array(DefinitionError),
  errorCount: ErrorCount,
  warnings: Warnings,
});

export type DefinitionSummary = Static<typeof DefinitionSummary>;
export type DefinitionVersion = Static<typeof DefinitionVersion>;
export type DefinitionDetail = Static<typeof DefinitionDetail>;
export type Deployed = Static<typeof Deployed>;
export type Validation = Static<typeof Validation>;
