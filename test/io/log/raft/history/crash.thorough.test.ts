/** A crash at every call to the disk: what is left is a prefix of what was appended, with all that was durable. */
import { describe, expect, test } from 'vitest';
import { checkHead, packHead, unpackHead, type HistoryHead } from '#io/log/raft/history/head.ts';
import { beginHistory, type OpenedHistory } from '#io/log/raft/history/open.ts';
import { SimDirectory } from '#io/stores/directory-sim.ts';
import type { Directory } from '#io/stores/directory.ts';
import { StoreError } from '#io/stores/port.ts';
import { crashesAt, everyCrash, runUntilCrash, simDirectory, simMedium } from '../snapshots/crash-points.ts';
import { begin, described, entries, filesOf, historyUpTo, readAll, reopen, smallSealing } from './samples.ts';

const end = 60;

/** What a member that was never disturbed has. */
async function undisturbed(dropped = 0): Promise<Record<string, string>> {
  const disk = simDirectory();
  const history = await historyUpTo(disk.open(), end);
  if (dropped > 0) await history.dropBelow(dropped, new Uint8Array());
  return filesOf(disk);
}

/** Opens what a crash left; begins from the head where there is nothing yet, as a driver does. */
async function openAgain(directory: Directory, acknowledged: number, head?: HistoryHead): Promise<OpenedHistory> {
  try {
    return await reopen(directory, acknowledged);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'MISSING' || acknowledged > 0) throw error;
    return head ? beginHistory(directory, head, { sealing: smallSealing }) : begin(directory);
  }
}

const harmless = (opened: OpenedHistory): boolean => opened.findings.every(({ kind }) => kind === 'torn-tail');

describe.each([1, 2, 3])('with seed %i', (seed) => {
  test('a crash while entries are appended loses nothing that was durable, and leaves no gap', async () => {
    const whole = await undisturbed();
    let torn = 0;
    const crashes = await everyCrash(async (point) => {
      const disk = simDirectory(seed * 1000 + point.call);
      let acknowledged = 0;
      let appended = 0;
      const hasEnded = await runUntilCrash(disk, point, async (directory) => {
        const { history } = await begin(directory);
        for (let at = 0, size = 1; at < end; at += size, size = (size % 4) + 1) {
          appended = Math.min(end, at + size);
          await history.append(entries(at + 1, appended));
          acknowledged = Math.max(acknowledged, history.durable);
          if (size === 3) acknowledged = await history.sync();
        }
      });
      const opened = await openAgain(disk.open(), acknowledged);
      const { history } = opened;
      expect(harmless(opened), JSON.stringify(opened.findings)).toBe(true);
      torn += opened.findings.length;
      expect(history.last).toBeGreaterThanOrEqual(acknowledged);
      expect(history.last).toBeLessThanOrEqual(appended);
      expect(history.missing()).toEqual([]);
      expect(await history.verify()).toBeUndefined();
      expect(await readAll(history)).toEqual(described(entries(1, history.last)));
      // What opening found is durable, and it goes on like anybody else's.
      disk.crash('power');
      const again = (await reopen(disk.open(), history.last)).history;
      expect(again.last).toBe(history.last);
      await again.append(entries(1, end));
      await again.sync();
      expect(filesOf(disk)).toEqual(whole);
      return hasEnded;
    });
    expect(crashes).toBeGreaterThan(150);
    expect(torn).toBeGreaterThan(0);
  });

  test('a crash while old history is dropped leaves it dropped or not, and the rest whole', async () => {
    const whole = await undisturbed(30);
    await everyCrash(async (point) => {
      const disk = simDirectory(seed * 1000 + point.call);
      await historyUpTo(disk.open(), 50);
      const hasEnded = await runUntilCrash(disk, point, async (directory) => {
        const { history } = await reopen(directory);
        await history.dropBelow(20, new Uint8Array());
        await history.dropBelow(30, new Uint8Array());
      });
      const opened = await reopen(disk.open(), 50);
      expect(harmless(opened), JSON.stringify(opened.findings)).toBe(true);
      const { history } = opened;
      expect(history.missing()).toEqual([]);
      expect(await history.verify()).toBeUndefined();
      expect(await readAll(history)).toEqual(described(entries(history.floor.index + 1, 50)));
      await history.dropBelow(30, new Uint8Array());
      await history.append(entries(51, end));
      await history.sync();
      expect(filesOf(disk)).toEqual(whole);
      return hasEnded;
    });
  });

  test('a crash while a snapshot takes the place of an older history leaves the one or the other', async () => {
    const whole = await undisturbed();
    const leader = await historyUpTo(simDirectory().open(), end);
    for (const [own, at] of [
      [0, 20],
      [13, 41],
      [13, 14],
      [40, 47],
    ] as const) {
      const head = unpackHead(packHead(await leader.at(at)));
      expect(checkHead(head)).toBe(at);
      await everyCrash(async (point) => {
        const disk = simDirectory(seed * 1000 + point.call);
        if (own > 0) await (await historyUpTo(disk.open(), own)).close();
        let hasBegun = false;
        const hasEnded = await runUntilCrash(disk, point, async (directory) => {
          await beginHistory(directory, head, { sealing: smallSealing });
          hasBegun = true;
        });
        let { history } = await openAgain(disk.open(), own, head);
        if (hasBegun) expect(history.last).toBe(at);
        expect([own, at, history.manifest().at(-1)?.last]).toContain(history.last);
        if (history.last < at) ({ history } = await beginHistory(disk.open(), head, { sealing: smallSealing }));
        await history.append(entries(at + 1, end));
        await history.sync();
        for (const segment of history.missing()) {
          const receiver = await history.receive(segment);
          for await (const piece of leader.source('attic').read(segment, 0)) await receiver?.take(piece);
          await receiver?.finish();
        }
        expect(await history.verify()).toBeUndefined();
        expect(filesOf(disk)).toEqual(whole);
        return hasEnded;
      });
    }
  });
});

test('a disk that fails ends the history, and the next process loses nothing that was durable', async () => {
  const whole = await undisturbed();
  for (let seed = 0; seed < 60; seed++) {
    const medium = simMedium(seed);
    const disk = new SimDirectory(medium);
    const { history } = await begin(disk.open());
    const fault = (['ENOSPC', 'EIO', 'sync', 'full'] as const)[seed % 4];
    const strikesAt = 1 + (seed % 47);
    let acknowledged = 0;
    const story = async () => {
      for (let at = 1; at <= end; at++) {
        if (at === strikesAt && fault === 'sync') medium.failNextSync();
        else if (at === strikesAt && fault === 'full') medium.isFull = true;
        else if (at === strikesAt && fault) medium.failNextWrite(fault as 'EIO');
        await history.append(entries(at, at));
        acknowledged = Math.max(acknowledged, history.durable);
        if (at % 3 === 0) acknowledged = await history.sync();
      }
    };
    const error: unknown = await story().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: 'StoreError', code: 'FAILED' });
    await expect(history.append(entries(1, end))).rejects.toBe(error);
    await expect(history.sync()).rejects.toBe(error);
    await expect(history.dropBelow(10, new Uint8Array())).rejects.toBe(error);
    medium.isFull = false;
    // The next process sees what the disk will never have.
    disk.crash('process');
    const next = await reopen(disk.open(), acknowledged);
    expect(harmless(next), JSON.stringify(next.findings)).toBe(true);
    const durable = next.history.durable;
    expect(durable).toBeGreaterThanOrEqual(acknowledged);
    disk.crash('power');
    const last = await reopen(disk.open(), durable);
    expect(harmless(last), JSON.stringify(last.findings)).toBe(true);
    expect(await last.history.verify()).toBeUndefined();
    await last.history.append(entries(1, end));
    await last.history.sync();
    expect(filesOf(disk)).toEqual(whole);
  }
});

test('a sector that cannot be read after a crash costs its file at most, and the others bring that back', async () => {
  const whole = await undisturbed();
  const leader = await historyUpTo(simDirectory().open(), end);
  const kinds = new Set<string>();
  for (let seed = 1; seed <= 120; seed++) {
    const disk = simDirectory(seed);
    const directory = disk.open();
    const { durable } = await historyUpTo(directory, 30);
    await (await reopen(directory, durable)).history.append(entries(durable + 1, 50));
    disk.crash(seed % 2 === 0 ? 'process' : 'power');
    expect(disk.makeUnreadable()).toBe(true);
    let opened: OpenedHistory | undefined;
    try {
      opened = await reopen(disk.open(), durable);
      for (const { kind } of opened.findings) kinds.add(kind);
    } catch (error) {
      expect(error).toMatchObject({ name: 'StoreError', code: 'DAMAGED' });
      kinds.add('no manifest');
    }
    // It lost what the consensus log has forgotten: a snapshot brings it.
    if (!opened || opened.history.last < durable)
      opened = await beginHistory(disk.open(), await leader.at(durable), { sealing: smallSealing });
    const { history } = opened;
    await history.append(entries(1, end));
    await history.sync();
    for (let round = 0; await history.verify(); round++) {
      expect(round).toBeLessThan(3);
      for (const segment of history.missing()) {
        const receiver = await history.receive(segment);
        for await (const piece of leader.source('attic').read(segment, 0)) await receiver?.take(piece);
        await receiver?.finish();
      }
    }
    expect(filesOf(disk)).toEqual(whole);
  }
  expect([...kinds].toSorted()).toEqual(['damaged-segment', 'lost-tail', 'no manifest', 'torn-tail']);
});

test('crashes that follow on crashes lose nothing either', async () => {
  const whole = await undisturbed();
  for (let seed = 1; seed <= 40; seed++) {
    const disk = simDirectory(seed);
    let acknowledged = 0;
    for (let life = 0; life < 200; life++) {
      const points = crashesAt(1 + ((seed * 7 + life * 5) % 31));
      const point = points[(seed + life) % points.length];
      if (!point) break;
      const hasEnded = await runUntilCrash(disk, point, async (directory) => {
        const opened = await openAgain(directory, acknowledged);
        expect(harmless(opened), JSON.stringify(opened.findings)).toBe(true);
        acknowledged = Math.max(acknowledged, opened.history.durable);
        for (let at = opened.history.last; at < end; at += 2) {
          await opened.history.append(entries(at, Math.min(end, at + 2)));
          acknowledged = await opened.history.sync();
        }
      });
      if (hasEnded) break;
    }
    const { history } = await reopen(disk.open(), end);
    await history.append(entries(1, end));
    await history.sync();
    expect(filesOf(disk)).toEqual(whole);
  }
});
