/** Writes docs/openapi.json: run `npx tsx scripts/openapi.ts` whenever the route table or a command's schema changes. */
import { writeFileSync } from 'node:fs';
import { openApiDocument } from '../src/io/http/openapi.ts';

const path = new URL('../docs/openapi.json', import.meta.url);
writeFileSync(path, `${JSON.stringify(openApiDocument(), null, 2)}\n`);
