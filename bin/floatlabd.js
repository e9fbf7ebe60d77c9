#!/usr/bin/env node
/** Launches the built daemon. */
import { existsSync } from 'node:fs';

const built = new URL('../dist/floatlabd.js', import.meta.url);
if (existsSync(built)) {
  process.setSourceMapsEnabled(true);
  await import(built.href);
} else {
  console.error('FloatLab is not built here. Run "npm start".');
  process.exitCode = 1;
}
