/**
 * One set-up of a checkout at a time: two starts at once must not install or build over each other.
 *
 * The turn is a name in the kernel's abstract socket space. Whoever listens on it has the turn; the kernel takes the
 * name back when that process ends, however it ends, so no lock is ever left behind.
 */
import { createHash } from 'node:crypto';
import { createServer, connect } from 'node:net';
import { realpathSync } from 'node:fs';
import { say } from './run.mjs';

/** Runs `body` when nobody else sets up this folder. Elsewhere than on Linux it runs at once. */
export async function oneAtATime(folder, body) {
  if (process.platform !== 'linux') return body();
  const id = createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 32);
  const server = await takeTurn(`\0floatlab-setup-${id}`);
  try {
    return await body();
  } finally {
    server.close();
  }
}

async function takeTurn(name) {
  for (let waited = false; ; waited = true) {
    const server = await listen(name);
    if (server) return server;
    if (!waited) say('Another start is setting this folder up: waiting for it.');
    await untilItEnds(name);
  }
}

/** @returns the server, or undefined when another process has the name */
function listen(name) {
  return new Promise((resolve, reject) => {
    // A process that waits keeps its connection until the turn is over.
    const server = createServer((waiting) => {
      waiting.on('error', () => undefined);
      server.once('close', () => waiting.destroy());
      waiting.unref();
    });
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(name, () => resolve(server.unref()));
  });
}

function untilItEnds(name) {
  return new Promise((resolve) => {
    connect(name)
      .on('error', () => undefined)
      .on('close', resolve)
      .resume();
  });
}
