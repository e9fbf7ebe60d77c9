/**
 * Writes the tables of `x-floatlab` in docs/compose.md. Run it whenever one of its keys changes:
 * `npx tsx scripts/compose-docs.ts && npx oxfmt docs/compose.md`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { extensionTables } from '../src/actors/compose/extension-tables.ts';

const path = new URL('../docs/compose.md', import.meta.url);
const text = readFileSync(path, 'utf8');
const start = text.indexOf('\n## x-floatlab\n');
const [app, volume] = extensionTables();
let section = text.slice(start);
section = section.replace(/(At the top of the file:\n\n)(?:\|.*\n)+/, (_, lead: string) => `${lead}${app}`);
section = section.replace(/(On a volume:\n\n)(?:\|.*\n)+/, (_, lead: string) => `${lead}${volume}`);
writeFileSync(path, text.slice(0, start) + section);
