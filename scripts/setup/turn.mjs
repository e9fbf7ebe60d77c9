/**
 * One set-up of a checkout at a time: two starts at once must not install or build over each other.
 *
 * The turn is a name in the kernel's abstract socket space. Whoever listens on it has the turn; the others stay
 * connected to it until that ends. The kernel takes the name back when its process ends, however it ends, so no lock
 * is ever left behind.
 *
 * Anybody on the machine may take the name, though. So the wait has an end, it is said whom it is for, and for a process
 * of somebody else's nobody waits.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { Refusal, say } from './run.mjs';

/** A slow board may install and build for that long. */
const usualPatienceMs = 20 * 60_000;
const tellEveryMs = 60_000;

/**
 * Runs `body` when nobody else sets up this folder. Elsewhere than on Linux it runs at once.
 * @param {{ patienceMs?: number }} options how long to wait for somebody else
 * @throws Refusal when that takes too long, or a stranger has the turn
 */
export async function oneAtATime(folder, body, { patienceMs = usualPatienceMs } = {}) {
  if (process.platform !== 'linux') return body();
  const endTurn = await takeTurn(folder, patienceMs);
  try {
    return await body();
  } finally {
    endTurn();
  }
}

/** What the kernel knows the turn of a folder by. */
const turnOf = (folder) =>
  `floatlab-setup-${createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 32)}`;

async function takeTurn(folder, patienceMs) {
  const name = turnOf(folder);
  const waitingSince = performance.now();
  for (let told = -Infinity; ;) {
    const endTurn = await listen(`\0${name}`);
    if (endTurn) return endTurn;
    const waitedMs = performance.now() - waitingSince;
    const holder = holderOf(name);
    if (holder && isStranger(holder, folder)) throw taken(name, holder);
    if (waitedMs >= patienceMs) throw tooLong(name, holder, waitedMs);
    if (waitedMs - told >= tellEveryMs) {
      say(`Another start is setting this folder up: waiting for it${holder ? ` (${inWords(holder)})` : ''}.`);
      told = waitedMs;
    }
    await untilTheTurnEnds(`\0${name}`, Math.min(tellEveryMs, patienceMs - waitedMs));
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

/** Or until so much time has passed. A turn that ends at once was never one: the next look comes a little later. */
function untilTheTurnEnds(name, withinMs) {
  const since = performance.now();
  return new Promise((resolve) => {
    const socket = connect(name);
    const timer = setTimeout(() => socket.destroy(), withinMs);
    socket
      .on('error', () => undefined)
      .on('close', () => {
        clearTimeout(timer);
        setTimeout(resolve, performance.now() - since < 50 ? 100 : 0);
      })
      .resume();
  });
}

/** As the kernel writes it. */
const listening = '00010000';

/**
 * The process that has the name, as far as this one may look: the kernel lists the sockets by number, and each process
 * shows its own, to root and to its user.
 * @returns {{ pid: number, uid: number, command: string } | undefined}
 */
function holderOf(name) {
  const inode = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((line) => line.split(/\s+/))
    // Some versions of Node fill the name up to its greatest length.
    .find(([, , , flags, , , , path = '']) => flags === listening && path.replace(/@+$/, '') === `@${name}`)?.[6];
  if (inode === undefined) return undefined;
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const isIt = readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`);
      if (isIt) return { pid: Number(pid), uid: statSync(`/proc/${pid}`).uid, command: commandOf(pid) };
    } catch {
      // It has ended, or is none of ours.
    }
  }
  return undefined;
}

function linkOf(path) {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

const commandOf = (pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim().slice(0, 100);

/** Whoever owns the folder may set it up, and root may do anything. */
const isStranger = ({ uid }, folder) => uid !== 0 && uid !== process.getuid() && uid !== statSync(folder).uid;

const inWords = ({ pid, uid, command }) => `process ${pid} of user ${uid}: ${command}`;

const taken = (name, holder) =>
  new Refusal(
    [
      `Somebody else holds the name @${name}, by which a set-up of this folder knows that it is the only one:`,
      `  ${inWords(holder)}`,
      `End that process (kill ${holder.pid}), then start again.`,
    ].join('\n'),
  );

const tooLong = (name, holder, waitedMs) =>
  new Refusal(
    [
      `Another start has been setting this folder up for ${Math.round(waitedMs / 60_000)} minutes; this one does not wait any longer.`,
      holder ? `  ${inWords(holder)}` : `  a process of another user, see: ss -xlp | grep ${name}`,
      'End that process if it does nothing any more, then start again.',
    ].join('\n'),
  );
