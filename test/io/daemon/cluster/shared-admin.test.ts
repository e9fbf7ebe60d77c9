import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SharedAdmin } from '#io/daemon/cluster/shared-admin.ts';
import type { NodeIni } from '#io/daemon/node-ini.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { MemoryOthers } from '#test/io/lab/memory-others.ts';

type Admin = NodeIni['admin'];
const hashOf = (word: string): string => `$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$${word}`;
const first: Admin = {
  name: 'admin',
  passwordHash: hashOf('first'),
  passwordIsInitial: true,
  passwordWasShown: true,
  passwordChangedAt: 0,
};

class Keeper {
  admin: Admin = first;
  readonly shared: SharedAdmin;

  constructor(node: string) {
    keepers.push(this);
    this.shared = new SharedAdmin({
      others: new MemoryOthers(node, network, (from, to) => cuts.has(`${from}>${to}`)),
      log: pino({ level: 'silent' }),
      clock: { ...realClock, now: () => 1000 },
      admin: () => this.admin,
      adopt: async (admin) => {
        this.admin = admin;
      },
    });
  }

  change(word: string, at: number): void {
    this.admin = { ...this.admin, passwordHash: hashOf(word), passwordIsInitial: false, passwordChangedAt: at };
    this.shared.tell();
  }
}

let network: Map<string, MemoryOthers>;
let cuts: Set<string>;
const keepers: Keeper[] = [];
afterEach(() => {
  for (const { shared } of keepers.splice(0)) shared.stop();
});
beforeEach(() => {
  network = new Map();
  cuts = new Set();
});
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

test('a password that is changed on one node is changed on all', async () => {
  const [a, b, c] = [new Keeper('a'), new Keeper('b'), new Keeper('c')];
  b.change('second', 5);
  await settled();
  for (const { admin } of [a, b, c])
    expect(admin).toMatchObject({ passwordHash: hashOf('second'), passwordIsInitial: false, passwordChangedAt: 5 });
});

test('the latest change counts, and a node that was away hears of it', async () => {
  const [a, b] = [new Keeper('a'), new Keeper('b')];
  cuts.add('a>b').add('b>a');
  a.change('of-a', 5);
  b.change('of-b', 9);
  await settled();
  expect(a.admin.passwordHash).toBe(hashOf('of-a'));
  cuts.clear();
  a.shared.tell();
  await settled();
  expect([a.admin.passwordHash, b.admin.passwordHash]).toEqual([hashOf('of-b'), hashOf('of-b')]);
});

test('a change that claims to be of next week is not believed', async () => {
  const [a, b] = [new Keeper('a'), new Keeper('b')];
  b.change('forever', 7 * 24 * 60 * 60 * 1000);
  await settled();
  expect(a.admin).toEqual(first);
});

test('of two changes at the same moment all nodes keep the same one', async () => {
  const [a, b] = [new Keeper('a'), new Keeper('b')];
  cuts.add('a>b').add('b>a');
  a.change('x', 5);
  b.change('y', 5);
  cuts.clear();
  a.shared.tell();
  b.shared.tell();
  await settled();
  expect(a.admin.passwordHash).toBe(b.admin.passwordHash);
});
