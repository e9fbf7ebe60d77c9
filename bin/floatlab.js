#!/usr/bin/env node
/** Launches the command line. It is built once, by `npm run build`. */
import { existsSync } from 'node:fs';

const program = new URL('../dist/floatlab.js', import.meta.url);

if (existsSync(program)) {
  await import(program.href);
} else {
  console.error('error: floatlab is not built yet (NOT_BUILT)');
  console.error('hint:  run npm install && npm run build in the folder of FloatLab');
  process.exitCode = 1;
}
