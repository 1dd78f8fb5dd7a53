/** Writes schemas/definition.schema.json. Run by `npm run schemas:editor`. */
import { writeFileSync } from 'node:fs';
import { definitionSchemaText } from './definition-schema.ts';

writeFileSync(new URL('../../schemas/definition.schema.json', import.meta.url), definitionSchemaText());
