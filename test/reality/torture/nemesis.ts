/**
 * Does harm to a lab of real machines, one thing after another, and takes it back; the same seed draws the same things.
 * They are drawn like cards: none comes again before all have come.
 */
import type { Random } from '#io/devices/random/port.ts';
import { pause, until } from '../host.ts';
import type { RealLab } from '../lab.ts';
import type { Machine } from '../machine.ts';

export interface NemesisOptions {
  readonly lab: RealLab;
  readonly random: Pick<Random, 'next'>;
  /** Enough; what was begun is taken back first. */
  readonly signal: AbortSignal;
  /** Of `harmNames`. Each of them is done once at least, however soon the signal comes. All, as they come: left out. */
  readonly kinds?: readonly string[];
  say(text: string): void;
}

type Harm = (lab: RealLab, machine: Machine, forMs: number, say: (text: string) => void) => Promise<void>;

/** A machine that lost something is one less to lose, until it is whole again. */
const wholeMs = 120_000;

/** Each leaves the lab as whole as it found it, as far as a person with hands could. */
const harms: Readonly<Record<string, Harm>> = {
  kill: async (_, machine, forMs) => {
    await machine.end('SIGKILL');
    await pause(forMs);
    await machine.start();
  },
  stop: async (_, machine) => {
    await machine.end('SIGTERM');
    await machine.start();
  },
  hang: async (_, machine, forMs) => {
    machine.pause();
    await pause(forMs);
    machine.resume();
  },
  isolate: (lab, machine, forMs) => cut(lab, forMs, () => lab.network.isolate(machine.number)),
  deafen: (lab, machine, forMs) => cut(lab, forMs, () => lab.network.isolate(machine.number, 'in')),
  mute: (lab, machine, forMs) => cut(lab, forMs, () => lab.network.isolate(machine.number, 'out')),
  'cut one way between another one and': (lab, machine, forMs) => {
    const [other] = lab.others(machine);
    return cut(lab, forMs, () => lab.network.cutWay(machine.number, other?.number ?? machine.number));
  },
  'cut the power of': async (_, machine, forMs) => {
    await machine.disk.cutPower();
    await machine.end('SIGKILL');
    await machine.disk.mountAgain();
    await pause(forMs / 2);
    await machine.start();
  },
  'cut the power of all, also of': async (lab) => {
    await Promise.all(lab.machines.map(({ disk }) => disk.cutPower()));
    await Promise.all(lab.machines.map((machine) => machine.end('SIGKILL')));
    await Promise.all(lab.machines.map(({ disk }) => disk.mountAgain()));
    await Promise.all(lab.machines.map((machine) => machine.start()));
  },
  'fill the disk of': async (_, machine) => {
    await machine.disk.fill();
    // Nothing to write, nothing to notice.
    await machine.ended(8000).catch(() => machine.end('SIGKILL'));
    await machine.disk.free();
    await machine.start();
  },
  'flip bits of': async (lab, machine, _, say) => {
    await machine.end('SIGKILL');
    await machine.disk.flipBit('log/raft', /\.(log|ldb)$/);
    await machine.disk.flipBit('log/history', /\.open$/);
    await machine.disk.flipBit('db/state', /\.(log|ldb)$/);
    try {
      // What it kept of the lab may have to be folded anew, while everybody else is at work.
      await machine.start([], wholeMs);
    } catch (error) {
      if (machine.isRunning) throw error;
      say(`${machine.name} cannot go on, and is replaced: ${String(error).split('\n')[1] ?? ''}`);
      await replace(lab, machine);
    }
    await lab.spare(wholeMs);
  },
  'wipe the data directory of': async (lab, machine) => {
    await machine.end('SIGKILL');
    await replace(lab, machine);
    await lab.spare(wholeMs);
  },
  'restart one after the other, beginning with': async (lab, machine) => {
    for (const one of [machine, ...lab.others(machine)]) {
      await one.end('SIGTERM');
      await one.start();
      await lab.whole(wholeMs);
    }
  },
};

export const harmNames: readonly string[] = Object.keys(harms);

/** As a person does it whose machine has lost its disk. */
async function replace(lab: RealLab, machine: Machine): Promise<void> {
  const [other] = lab.others(machine);
  if (!other) return;
  // With its key go the sessions that began there.
  await until('a session elsewhere', 30_000, () => lab.signIn(other).then(() => true));
  await machine.disk.wipe();
  await until(`${machine.name} counts as down`, 60_000, async () => {
    const row = (await lab.api(other).nodes()).find(({ name }) => name === machine.name);
    return row !== undefined && row.state !== 'up';
  });
  const token = await until('a token', 30_000, async () => {
    return (await lab.api(other).joinToken({ replaces: machine.name })).token;
  });
  await machine.start(['--join', token], wholeMs);
}

async function cut(lab: RealLab, forMs: number, how: () => Promise<void>): Promise<void> {
  await how();
  await pause(forMs);
  await lab.network.heal();
}

/** @returns how often each harm was done, once it was enough; all is healed then, and runs */
export async function runNemesis(options: NemesisOptions): Promise<ReadonlyMap<string, number>> {
  const { lab, random, signal, kinds = [], say } = options;
  const drawnFrom = Object.entries(harms).filter(([name]) => kinds.length === 0 || kinds.includes(name));
  const done = new Map(drawnFrom.map(([name]) => [name, 0]));
  const isEnough = (): boolean => signal.aborted && kinds.every((name) => done.get(name) !== 0);
  const draw = <T>(from: readonly T[]): T => from[Math.floor(random.next() * from.length)] as T;
  const wait = (): Promise<void> => pause(1000 + random.next() * 3000);
  const deck: (readonly [string, Harm])[] = [];
  await lab.spare(wholeMs);
  while (!isEnough()) {
    if (deck.length === 0) deck.push(...drawnFrom);
    const card = draw(deck);
    deck.splice(deck.indexOf(card), 1);
    const [name, harm] = card;
    // Half of the time whoever leads, if anybody does.
    const drawn = draw(lab.machines);
    const wantsLeader = random.next() < 0.5;
    const forMs = 1000 + random.next() * 7000;
    const leader = wantsLeader ? await lab.leader(lab.machines, 5000).catch(() => drawn) : drawn;
    say(`${name} ${leader.name}${leader === drawn ? '' : ', which leads'} (${Math.round(forMs)} ms)`);
    await harm(lab, leader, forMs, say);
    done.set(name, (done.get(name) ?? 0) + 1);
    await wait();
  }
  return done;
}
