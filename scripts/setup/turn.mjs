/**
 * One set-up of a checkout at a time: two starts at once must not install or build over each other.
 *
 * The turn is a name in the kernel's abstract socket space. Whoever listens on it has the turn; the others stay
 * connected to it until that ends. The kernel takes the name back when its process ends, however it ends, so no lock
 * is ever left behind.
 */
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { say } from './run.mjs';

/** Runs `body` when nobody else sets up this folder. Elsewhere than on Linux it runs at once. */
export async function oneAtATime(folder, body) {
  if (process.platform !== 'linux') return body();
  const id = createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 32);
  const endTurn = await takeTurn(`\0floatlab-setup-${id}`);
  try {
    return await body();
  } finally {
    endTurn();
  }
}

async function takeTurn(name) {
  for (let told = false; ; told = true) {
    const endTurn = await listen(name);
    if (endTurn) return endTurn;
    if (!told) say('Another start is setting this folder up: waiting for it.');
    await untilTheTurnEnds(name);
  }
}

/** @returns what ends the turn, or undefined when another process has it */
function listen(name) {
  return new Promise((resolve, reject) => {
    const waiting = new Set();
    const server = createServer((socket) => {
      waiting.add(socket);
      socket.on('error', () => undefined).on('close', () => waiting.delete(socket));
    });
    const endTurn = () => {
      server.close();
      for (const socket of waiting) socket.destroy();
    };
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(name, () => resolve(endTurn));
  });
}

function untilTheTurnEnds(name) {
  return new Promise((resolve) => {
    connect(name)
      .on('error', () => undefined)
      .on('close', resolve)
      .resume();
  });
}
