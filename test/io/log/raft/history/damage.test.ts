import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { beginHistory, openHistory } from '#io/log/raft/history/open.ts';
import type { History } from '#io/log/raft/history/history.ts';
import type { SimDirectory, SimDirectoryImage } from '#io/stores/directory-sim.ts';
import { simDirectory } from '../snapshots/crash-points.ts';
import { begin, described, entries, filesOf, historyUpTo, readAll, reopen, smallSealing } from './samples.ts';

const end = 20;

interface Member {
  readonly disk: SimDirectory;
  readonly history: History;
  readonly image: SimDirectoryImage;
}

async function member(seed = 1): Promise<Member> {
  const disk = simDirectory(seed);
  const history = await historyUpTo(disk.open(), end);
  return { disk, history, image: disk.image() };
}

/** What somebody finds out who opens these files and verifies them. */
async function foundByOpening(disk: SimDirectory): Promise<boolean> {
  try {
    const { history, findings } = await reopen(disk.open(), end);
    return findings.length > 0 || (await history.verify()) !== undefined;
  } catch (error) {
    expect(error).toMatchObject({ name: 'StoreError', code: expect.stringMatching(/DAMAGED|MISSING/) });
    return true;
  }
}

/** Whether files were changed: found at once, and by the next process. */
async function expectFound({ disk, history }: Member, changed: SimDirectoryImage, what: string): Promise<void> {
  disk.restore(changed);
  const broken = await history.verify();
  expect(broken, what).toMatchObject({ explain: expect.stringMatching(/\w/), index: expect.any(Number) });
  expect(await foundByOpening(disk), what).toBe(true);
}

const withFile = (image: SimDirectoryImage, name: string, bytes: Uint8Array): SimDirectoryImage =>
  image.map(([other, old]) => [other, other === name ? bytes : old] as const);

test('every changed bit of every file is found', async () => {
  const subject = await member();
  for (const [name, bytes] of subject.image) {
    for (let bit = 0; bit < bytes.length * 8; bit += name === 'manifest' ? 1 : 3) {
      const changed = bytes.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await expectFound(subject, withFile(subject.image, name, changed), `bit ${bit} of ${name}`);
    }
  }
}, 60_000);

test('every cut, every deleted file and everything that was added is found', async () => {
  const subject = await member();
  expect(subject.image.length).toBe(4);
  for (const [name, bytes] of subject.image) {
    for (let size = 0; size < bytes.length; size++)
      await expectFound(subject, withFile(subject.image, name, bytes.slice(0, size)), `${name} cut to ${size}`);
    const longer = Buffer.concat([bytes, Buffer.of(7)]);
    await expectFound(subject, withFile(subject.image, name, longer), `${name} with a byte more`);
    const without = subject.image.filter(([other]) => other !== name);
    await expectFound(subject, without, `without ${name}`);
    // With everything that came after it.
    const after = subject.image.filter(([other]) => other < name || (other === 'manifest' && other !== name));
    if (name !== 'manifest') await expectFound(subject, after, `without ${name} and what follows`);
  }
});

test('files in the place of others are found', async () => {
  const subject = await member();
  for (const [one] of subject.image) {
    for (const [name, bytes] of subject.image) {
      if (name !== one) await expectFound(subject, withFile(subject.image, one, bytes), `${name} as ${one}`);
    }
  }
  // A history with other entries, all of it in order.
  const disk = simDirectory();
  const { history } = await begin(disk.open());
  await history.append(entries(1, end).map((entry) => ({ ...entry, term: entry.term + 1 })));
  for (const [name, bytes] of disk.image())
    await expectFound(subject, withFile(subject.image, name, bytes), `${name} of another history`);
});

test('an open segment with other entries, all of it in order, is found by the process that wrote the right one', async () => {
  const subject = await member();
  const sealed = subject.history.manifest().at(-1)?.last ?? 0;
  const disk = simDirectory();
  const { history } = await begin(disk.open());
  await history.append(entries(1, sealed));
  await history.append(entries(sealed + 1, end).map((entry) => ({ ...entry, term: entry.term + 1 })));
  const image = disk.image().toSorted(([one], [other]) => (one < other ? -1 : 1));
  expect(image.map(([name]) => name)).toEqual(subject.image.map(([name]) => name).toSorted());
  subject.disk.restore(image);
  expect(await subject.history.verify()).toMatchObject({ explain: expect.stringMatching(/not those/) });
});

test('a place that cannot be read any more damages its file, and the history opens all the same', async () => {
  const healthy = await member();
  const whole = filesOf(healthy.disk);
  const own = [...healthy.image].map(([name]) => name).filter((name) => name !== 'manifest');
  expect(own.filter((name) => name.endsWith('.segment'))).toHaveLength(2);
  expect(own.filter((name) => name.endsWith('.open'))).toHaveLength(1);
  for (const name of own) {
    const size = healthy.image.find(([other]) => other === name)?.[1].length ?? 0;
    for (const at of [0, Math.min(600, size - 1), size - 1]) {
      const { disk, history: before } = await member();
      disk.makeUnreadable(name, at);
      expect(await before.verify()).toMatchObject({ file: name, explain: expect.stringMatching(/cannot read/) });
      disk.crash('process');
      const { history, findings } = await reopen(disk.open(), end);
      const isOpen = name.endsWith('.open');
      // Of a sealed one only its end is read. Verifying finds the rest.
      if (isOpen || at === size - 1)
        expect(findings[0]).toMatchObject({ kind: isOpen ? 'lost-tail' : 'damaged-segment', file: name });
      else expect(await history.verify()).toMatchObject({ file: name });
      for (const segment of history.missing()) {
        const receiver = await history.receive(segment);
        for await (const piece of healthy.history.source('attic').read(segment, 0)) await receiver?.take(piece);
        expect(await receiver?.finish()).toBeUndefined();
      }
      await history.append(entries(history.last + 1, end));
      await history.sync();
      expect(await history.verify()).toBeUndefined();
      expect(filesOf(disk)).toEqual(whole);
    }
  }
});

test('an open segment that cannot be read to its end keeps what can be read', async () => {
  const disk = simDirectory();
  const { history } = await begin(disk.open(), { entries: 1000, bytes: 100_000 });
  await history.append(entries(1, 40));
  await history.sync();
  disk.crash('process');
  disk.makeUnreadable('0000000000000001.open', 1600);
  const opened = await openHistory(disk.open(), { sealing: { entries: 1000, bytes: 100_000 }, acknowledged: 30 });
  expect(opened.history.last).toBeGreaterThan(10);
  expect(opened.history.last).toBeLessThan(30);
  expect(await readAll(opened.history)).toEqual(described(entries(1, opened.history.last)));
  expect(opened.findings.map(({ kind }) => kind)).toEqual(['lost-tail', 'lost-tail', 'stray-file']);
  expect(opened.findings[0]?.explain).toContain('cannot be read any more from byte 1536 on');
  // Nothing is thrown away that may be readable again one day.
  expect(opened.findings[2]?.file).toBe('0000000000000001.open.unreadable');
});

test('a manifest that cannot be read any more is a damaged one', async () => {
  const { disk, history } = await member();
  disk.makeUnreadable('manifest', 0);
  expect(await history.verify()).toMatchObject({ file: 'manifest', explain: expect.stringMatching(/cannot read/) });
  await expect(reopen(disk.open(), end)).rejects.toMatchObject({ name: 'StoreError', code: 'DAMAGED' });
  const begun = await beginHistory(disk.open(), await history.at(end), { sealing: smallSealing });
  expect(begun.findings).toEqual([]);
  expect(await begun.history.verify()).toBeUndefined();
});

test('verifying a history that was closed meanwhile says so, and finds no damage', async () => {
  const disk = simDirectory();
  const directory = disk.open();
  const history = await historyUpTo(directory, end);
  const verifying = history.verify({ progress: () => void directory.close() });
  await expect(verifying).rejects.toMatchObject({ name: 'StoreError', code: 'FAILED' });
  expect(history.missing()).toEqual([]);
});

test('the first broken place is told: file, byte and entry', async () => {
  const { disk, history, image } = await member();
  const [first, second] = history.manifest();
  const name = `${String(second?.first).padStart(16, '0')}.segment`;
  const bytes = image.find(([other]) => other === name)?.[1] ?? new Uint8Array();
  const changed = bytes.slice();
  changed[200] = (changed[200] ?? 0) ^ 1;
  disk.restore(withFile(image, name, changed));
  const broken = await history.verify();
  expect(broken).toMatchObject({ file: name, explain: expect.stringMatching(/checksum/) });
  expect(broken?.offset).toBeGreaterThan(55);
  expect(broken?.offset).toBeLessThan(200);
  expect(broken?.index).toBeGreaterThanOrEqual((first?.last ?? 0) + 1);
  expect(broken?.index).toBeLessThan(second?.last ?? 0);
  const before = (broken?.index ?? 1) - 1;
  expect(await readAll(history, 0, before)).toEqual(described(entries(1, before)));
  await expect(readAll(history)).rejects.toMatchObject({ name: 'StoreError', code: 'DAMAGED' });
  expect(history.missing()).toEqual([second]);
});

describe('a damaged history', () => {
  test('is whole again when its sealed segments were fetched', async () => {
    const healthy = await member();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), fc.boolean(), async (seed, reopens) => {
        const { disk, history: before } = await member(seed);
        const whole = filesOf(disk);
        for (const { first } of before.manifest()) {
          const name = `${String(first).padStart(16, '0')}.segment`;
          if (seed % 3 === 0) disk.lose(name);
          else disk.flipBit(name);
        }
        const history = reopens ? (await reopen(disk.open(), end)).history : before;
        for (let round = 0; await history.verify(); round++) {
          expect(round).toBeLessThan(5);
          for (const segment of history.missing()) {
            const receiver = await history.receive(segment);
            for await (const piece of healthy.history.source('attic').read(segment, receiver?.offset ?? 0))
              await receiver?.take(piece);
            expect(await receiver?.finish()).toBeUndefined();
          }
        }
        expect(history.missing()).toEqual([]);
        expect(filesOf(disk)).toEqual(whole);
      }),
      { numRuns: 40 },
    );
  });

  test('without its manifest begins anew from a snapshot, and keeps what is right', async () => {
    const { disk, history } = await member();
    const whole = filesOf(disk);
    for (const at of [0, 5, 12, end]) {
      const head = await history.at(at);
      const image = disk.image();
      disk.lose('manifest');
      await expect(reopen(disk.open())).rejects.toMatchObject({ code: 'DAMAGED', hint: expect.stringMatching(/anew/) });
      const opened = await beginHistory(disk.open(), head, { sealing: smallSealing });
      expect(opened.history.missing()).toEqual([]);
      expect(opened.history.last).toBeGreaterThanOrEqual(at);
      await opened.history.append(entries(1, end));
      await opened.history.sync();
      expect(filesOf(disk)).toEqual(whole);
      disk.restore(image);
    }
  });

  test('that lost its end says so, and takes it again from the consensus log', async () => {
    const { disk, history } = await member();
    const whole = filesOf(disk);
    const open = [...disk.image()].map(([name]) => name).find((name) => name.endsWith('.open')) ?? '';
    for (const damage of [() => disk.lose(open), () => disk.cutTail(open, 3), () => disk.flipBit(open)]) {
      const image = disk.image();
      damage();
      const opened = await reopen(disk.open(), end);
      expect(opened.findings.map(({ kind }) => kind)).toContain('lost-tail');
      expect(opened.history.last).toBeLessThan(end);
      await expect(opened.history.append(entries(end + 1, end + 1))).rejects.toMatchObject({ code: 'REFUSED' });
      await opened.history.append(entries(history.manifest().at(-1)?.last ?? 1, end));
      await opened.history.sync();
      expect(filesOf(disk)).toEqual(whole);
      disk.restore(image);
    }
  });

  test('knows without reading all of it which sealed segments are cut, at their end, or gone', async () => {
    const { disk, history, image } = await member();
    const [first, second] = history.manifest();
    const name = `${String(first?.first).padStart(16, '0')}.segment`;
    const bytes = image.find(([other]) => other === name)?.[1] ?? new Uint8Array();
    const changed = bytes.slice();
    changed[changed.length - 20] = (changed[changed.length - 20] ?? 0) ^ 1;
    for (const damaged of [changed, bytes.slice(0, -1), Buffer.concat([bytes, Buffer.of(1)]), undefined]) {
      disk.restore(damaged ? withFile(image, name, damaged) : image.filter(([other]) => other !== name));
      const opened = await reopen(disk.open(), end);
      const kind = damaged ? 'damaged-segment' : 'missing-segment';
      expect(opened.findings).toEqual([{ kind, file: name, explain: expect.stringContaining(`${first?.last}`) }]);
      expect(opened.history.missing()).toEqual([first]);
      expect(await opened.history.source('attic').list()).toEqual([second]);
    }
  });

  test('whose open segment is gone says so, also to who does not know how far it went', async () => {
    const { disk, image } = await member();
    disk.restore(image.filter(([name]) => !name.endsWith('.open')));
    expect((await reopen(disk.open())).findings.map(({ kind }) => kind)).toEqual(['lost-tail']);
  });

  test('leaves files alone that it does not know', async () => {
    const { disk, image } = await member();
    disk.restore([...image, ['notes.txt', Uint8Array.of(1)], ['0000000000000003.segment', Uint8Array.of(2)]]);
    const { findings, history } = await reopen(disk.open(), end);
    expect(findings.map(({ kind, file }) => `${kind} ${file}`)).toEqual([
      'stray-file 0000000000000003.segment',
      'stray-file notes.txt',
    ]);
    expect(await history.verify()).toBeUndefined();
    expect(disk.image()).toHaveLength(image.length + 2);
  });
});

test('a head that cannot be is refused, and nothing was changed', async () => {
  const { disk, history } = await member();
  const head = await history.at(12);
  const { manifest, tail } = head;
  const before = filesOf(disk);
  const [segment] = manifest.segments;
  if (!segment) throw new Error('there is a segment');
  const wrong = [
    { manifest, tail: tail.slice(0, -1) },
    { manifest, tail: tail.slice(0, 10) },
    { manifest, tail: new Uint8Array() },
    { manifest, tail: (await history.at(20)).tail },
    { manifest: { ...manifest, segments: [] }, tail },
    { manifest: { ...manifest, segments: [{ ...segment, sha256: 'ff'.repeat(32) }] }, tail },
    { manifest: { ...manifest, segments: [{ ...segment, last: 0 }] }, tail },
    { manifest: { ...manifest, segments: [{ ...segment, first: 2 }] }, tail },
    { manifest: { ...manifest, segments: [{ ...segment, sizeBytes: -1 }] }, tail },
    { manifest: { ...manifest, floor: { ...manifest.floor, hash: 'x' } }, tail },
  ];
  for (const [at, one] of wrong.entries())
    await expect(beginHistory(disk.open(), one), `head ${at}`).rejects.toMatchObject({
      name: 'LogError',
      code: 'DAMAGED',
    });
  expect(filesOf(disk)).toEqual(before);
});
