/** A snapshot that was to be deleted and is wanted after all, at whatever moment. */
import { expect, test } from 'vitest';
import { SnapshotFiles } from '#io/log/raft/snapshots/snapshot-files.ts';
import type { Refusal, SnapshotReceiver } from '#io/log/raft/snapshots/receiver.ts';
import type { SnapshotPointer } from '#io/log/raft/storage.ts';
import type { Directory } from '#io/stores/directory.ts';
import { simDirectory } from './crash-points.ts';
import { each, metaAt, someRows, transfer } from './samples.ts';

const rowsOf = (index: number) => each(someRows(index, 1000));

/** Deleting these files waits until it is let go. */
class SlowToDelete {
  readonly #held: readonly string[];
  #begun = (): void => undefined;
  #letGo = (): void => undefined;
  readonly begun = new Promise<void>((resolve) => (this.#begun = resolve));
  readonly #gone = new Promise<void>((resolve) => (this.#letGo = resolve));

  constructor(...held: readonly SnapshotPointer[]) {
    this.#held = held.map(({ file }) => file);
  }

  letGo(): void {
    this.#letGo();
  }

  of(directory: Directory): Directory {
    return {
      list: () => directory.list(),
      read: (name) => directory.read(name),
      stream: (name, from) => directory.stream(name, from),
      replace: (name, bytes) => directory.replace(name, bytes),
      writeAt: (name, offset, bytes) => directory.writeAt(name, offset, bytes),
      sync: (name) => directory.sync(name),
      rename: (from, to) => directory.rename(from, to),
      delete: async (name) => {
        if (this.#held.includes(name)) {
          this.#begun();
          await this.#gone;
        }
        await directory.delete(name);
      },
      close: () => directory.close(),
    };
  }
}

/** A member whose own snapshot is at 20, and whose earlier life left those at 290 and 300 behind. */
async function member(slowAt: 290 | 300) {
  const disk = simDirectory();
  const before = await SnapshotFiles.open(disk.open());
  const own = await before.write(metaAt(20), rowsOf(20));
  const orphans = {
    290: await before.write(metaAt(290), rowsOf(290)),
    300: await before.write(metaAt(300), rowsOf(300)),
  };
  disk.crash('process');
  const slow = new SlowToDelete(orphans[slowAt]);
  const files = await SnapshotFiles.open(slow.of(disk.open()));
  await files.retain(own);
  return { disk, files, slow, orphans, wanted: orphans[300] };
}

const isReceiver = (answer: SnapshotReceiver | Refusal): answer is SnapshotReceiver => !('refused' in answer);

test('a snapshot that came to be wanted while another one was being deleted stays', async () => {
  const { files, slow, orphans, wanted } = await member(290);
  const making = files.write(metaAt(30), rowsOf(30));
  await slow.begun;
  const receiver = await files.receive(wanted);
  if (!isReceiver(receiver)) throw new Error(receiver.explain);
  expect(receiver.offset).toBe(wanted.sizeBytes);
  expect(await receiver.finish()).toEqual(wanted);
  slow.letGo();
  await making;
  expect(await files.hasWhole(wanted)).toBe(true);
  expect(await files.hasWhole(orphans[290])).toBe(false);
});

test('one that is in use by then stays until it is released', async () => {
  const { files, slow, wanted } = await member(290);
  const making = files.write(metaAt(30), rowsOf(30));
  await slow.begun;
  const hold = files.hold(wanted);
  slow.letGo();
  await making;
  expect(await files.hasWhole(wanted)).toBe(true);
  await hold.release();
  expect(await files.hasWhole(wanted)).toBe(false);
});

test('one that is being deleted already is not taken for one that is here', async () => {
  const { disk, files, slow, wanted } = await member(300);
  const sending = await SnapshotFiles.open(simDirectory().open());
  await sending.write(metaAt(300), rowsOf(300));
  const making = files.write(metaAt(30), rowsOf(30));
  await slow.begun;
  const transferred = transfer(sending, files, wanted);
  await new Promise((resolve) => setTimeout(resolve, 5));
  slow.letGo();
  await making;
  expect(await transferred).toEqual(wanted);
  expect(disk.image().map(([name]) => name)).toContain(wanted.file);
  expect(await files.hasWhole(wanted)).toBe(true);
});

test('one that is made once more while it is being deleted is there', async () => {
  const { files, slow, wanted } = await member(300);
  const making = files.write(metaAt(30), rowsOf(30));
  await slow.begun;
  const again = files.write(metaAt(300), rowsOf(300));
  await new Promise((resolve) => setTimeout(resolve, 5));
  slow.letGo();
  await making;
  expect(await again).toEqual(wanted);
  expect(await files.hasWhole(wanted)).toBe(true);
});
