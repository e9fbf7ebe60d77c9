import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ensureRecoveryKey, keepSealedRecovery, recoveryKeyWasShown, sealedRecovery } from '#io/daemon/cluster/keys.ts';
import { keepSealedKeys } from '#io/daemon/cluster/sealed-keeper.ts';
import type { NodeIni } from '#io/daemon/node-ini.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { createAuthority } from '#io/pki/ca.ts';
import { makeRecoveryKey } from '#io/pki/recovery-key.ts';
import { unwrapSecrets, wrapSecrets } from '#io/pki/sealed-secrets.ts';
import { replaceFile } from '#io/stores/files.ts';
import { MemoryOthers } from '#test/io/lab/memory-others.ts';

/** Looks every few milliseconds. */
const hasty = { ...realClock, setTimeout: (fn: () => void) => realClock.setTimeout(fn, 2) };
const sealed = Buffer.from(wrapSecrets(makeRecoveryKey(), { 'ca.key': 'its key' }));

let dir: string;
const network = new Map<string, MemoryOthers>();
const stops: (() => void)[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'floatlab-sealed-'));
  network.clear();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  await rm(dir, { recursive: true });
});

async function node(name: string, holds?: Uint8Array) {
  const dataDir = join(dir, name);
  await mkdir(join(dataDir, 'tls'), { recursive: true });
  if (holds) await keepSealedRecovery(dataDir, holds);
  const others = new MemoryOthers(name, network, () => false);
  const electorates = () => [['a', 'b', 'c']];
  stops.push(keepSealedKeys({ dataDir, others, clock: hasty, log: pino({ level: 'silent' }), electorates }));
  return dataDir;
}

test('a node whose sealed copy is missing gets one from a voter that has it, whether it votes or not', async () => {
  const [b, learner] = [await node('b'), await node('d')];
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(await sealedRecovery(learner)).toBeUndefined();
  await node('a', Buffer.from('what is no such copy'));
  await node('c', sealed);
  for (const dataDir of [b, learner]) {
    await vi.waitFor(async () => expect(await sealedRecovery(dataDir)).toEqual(sealed), { timeout: 3000, interval: 5 });
    expect((await stat(join(dataDir, 'tls', 'recovery.sealed'))).mode & 0o777).toBe(0o600);
  }
});

test('only who founded a lab makes a recovery key, for another one would not open the copies of the others', async () => {
  const tls = join(dir, 'tls');
  await mkdir(tls);
  const { key, cert } = await createAuthority(Date.now());
  await replaceFile(join(tls, 'ca.crt'), Buffer.from(cert), { mode: 0o600 });
  await replaceFile(join(tls, 'ca.key'), Buffer.from(key), { mode: 0o600 });
  const lab = { dataKey: new Uint8Array(32) };
  const ini = (wasJoined: boolean) => ({ lab: { ...lab, wasJoined } }) as NodeIni;
  expect(await ensureRecoveryKey(dir, ini(true))).toBeUndefined();
  expect(await sealedRecovery(dir)).toBeUndefined();
  const lost = (await ensureRecoveryKey(dir, ini(false))) ?? '';
  expect(lost).toMatch(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){13}$/);
  // The start that made it failed before anybody saw it: the next one makes another, and that opens the copy.
  const shown = (await ensureRecoveryKey(dir, ini(false))) ?? '';
  expect(unwrapSecrets(shown, (await sealedRecovery(dir)) ?? new Uint8Array())).toMatchObject({ 'ca.key': key });
  expect(shown).not.toBe(lost);
  await recoveryKeyWasShown(dir);
  expect(await ensureRecoveryKey(dir, ini(false))).toBeUndefined();
});
