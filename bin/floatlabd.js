#!/usr/bin/env -S MALLOC_ARENA_MAX=2 UV_THREADPOOL_SIZE=16 node --max-semi-space-size=8 --single-threaded-gc
/** Launches the built daemon, with little memory for what is short-lived, and threads enough for files: as `npm start` does. */
import './v8.js';
import { existsSync } from 'node:fs';

const built = new URL('../dist/floatlabd.js', import.meta.url);
if (existsSync(built)) {
  process.setSourceMapsEnabled(true);
  await import(built.href);
} else {
  console.error('FloatLab is not built here. Run "npm start".');
  process.exitCode = 1;
}
