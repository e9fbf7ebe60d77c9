/**
 * Writes docs/openapi.json. Run it whenever the route table or the schema of a command changes:
 * `npx tsx scripts/openapi.ts && npx oxfmt docs/openapi.json`.
 */
import { writeFileSync } from 'node:fs';
import { openApiDocument } from '../src/io/http/openapi.ts';

const path = new URL('../docs/openapi.json', import.meta.url);
writeFileSync(path, `${JSON.stringify(openApiDocument(), null, 2)}\n`);
