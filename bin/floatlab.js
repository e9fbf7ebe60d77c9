#!/usr/bin/env node
/** Launches the command line. It is built by the first `npm start`. */
import './v8.js';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = new URL('../dist/floatlab.js', import.meta.url);

if (existsSync(program)) {
  await import(program.href);
} else {
  console.error('error: floatlab is not built yet (NOT_BUILT)');
  console.error(`hint:  run "npm start" once in ${fileURLToPath(new URL('..', import.meta.url))}`);
  process.exitCode = 1;
}
