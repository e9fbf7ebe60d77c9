import * as fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ioErrorCodes, IoError } from '#io/devices/error.ts';
import type { Metadata } from '#io/devices/tree-stream/metadata.ts';
import { receiveTree } from '#io/devices/tree-stream/receive.ts';
import { RecordWriter } from '#io/devices/tree-stream/record-writer.ts';
import type { TreeIds } from '#io/devices/tree-stream/records.ts';
import { packIds, treeKind } from '#io/devices/tree-stream/records.ts';
import { sendTree } from '#io/devices/tree-stream/send.ts';
import { makeHead } from '#io/log/raft/snapshots/frame.ts';
import { describeReal } from '#test/real.ts';
import { asStream, call, inventory, missingForTrees, received, sent, tempFolder } from './trees.ts';

const whole: TreeIds = { base: undefined, target: 'one' };
const changes: TreeIds = { base: 'one', target: 'two' };

describeReal('A receiver', missingForTrees(), () => {
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  let source: string;
  let sink: string;
  let before: readonly string[];
  beforeEach(async () => {
    temp = await tempFolder();
    [source, sink] = [join(temp.path, 'source'), join(temp.path, 'sink')];
    for (const path of [source, sink, join(temp.path, 'outside')]) await mkdir(path);
    await writeFile(join(temp.path, 'outside', 'file'), 'not yours');
    before = await inventory(join(temp.path, 'outside'));
  });
  afterEach(async () => {
    expect(await inventory(join(temp.path, 'outside'))).toEqual(before);
    await temp.dispose();
  });

  const emptySink = async () => {
    await rm(sink, { recursive: true });
    await mkdir(sink);
  };
  const refusal = (chunks: Iterable<Uint8Array>, ids: TreeIds = whole) =>
    received(chunks, { into: sink, ids }).then(
      () => 'done',
      (error: unknown) => (error instanceof IoError ? error.code : `no IoError: ${String(error)}`),
    );
  const smallTree = async (): Promise<Buffer> => {
    await mkdir(join(source, 'folder'));
    await writeFile(join(source, 'folder', 'file'), 'content');
    await symlink('file', join(source, 'folder', 'link'));
    return Buffer.concat(await sent({ target: { path: source, id: 'one' } }));
  };

  test('refuses a stream that is cut off anywhere', async () => {
    const stream = await smallTree();
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: stream.length - 1 }), fc.nat({ max: stream.length }), async (length, piece) => {
        await emptySink();
        const cut = stream.subarray(0, length);
        expect(await refusal([cut.subarray(0, piece), cut.subarray(piece)])).toBe('TRUNCATED');
      }),
      {
        numRuns: 20,
        examples: [
          [0, 0],
          [stream.length - 1, 7],
        ],
      },
    );
  });

  test('refuses a stream of which any bit is another one', async () => {
    const stream = await smallTree();
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: stream.length * 8 - 1 }), async (bit) => {
        await emptySink();
        const changed = Buffer.from(stream);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(await refusal([changed])).toBe('TRUNCATED');
      }),
      { numRuns: 30 },
    );
  });

  test('refuses frames in another order, twice, or left out, and bytes behind the end', async () => {
    await writeFile(join(source, 'file'), randomBytes(3 * 2 ** 20));
    const frames = await sent({ target: { path: source, id: 'one' } });
    const [head, first, second] = frames as [Uint8Array, Uint8Array, Uint8Array];
    const rest = frames.slice(3);
    for (const wrong of [
      [head, second, first, ...rest],
      [head, first, first, second, ...rest],
      [head, first, ...rest],
      [...frames, Buffer.from([0])],
      [...frames, ...frames],
      [first, second, ...rest],
    ]) {
      await emptySink();
      expect(await refusal(wrong)).toBe('TRUNCATED');
    }
    await emptySink();
    expect(await refusal(frames)).toBe('done');
  });

  test('refuses a stream since another base, or of another target', async () => {
    const stream = [await smallTree()];
    expect(await refusal(stream, { base: 'other', target: 'one' })).toBe('INVALID');
    expect(await refusal(stream, { base: undefined, target: 'other' })).toBe('INVALID');
    expect(await inventory(sink)).toHaveLength(1);
  });

  test('takes a whole tree into an empty folder only, and nothing where there is no folder', async () => {
    const stream = [await smallTree()];
    await writeFile(join(sink, 'mine'), '');
    expect(await refusal(stream)).toBe('EXISTS');
    await rm(sink, { recursive: true });
    expect(await refusal(stream)).toBe('MISSING');
    await symlink(join(temp.path, 'outside'), sink);
    expect(await refusal(stream)).toBe('MISSING');
    await rm(sink);
  });

  test('says that it needs an upgrade for a stream of a later version', async () => {
    expect(await refusal([makeHead({ ...treeKind, format: 2 }, packIds(whole)).bytes])).toBe('UNSUPPORTED');
  });

  test('ends when nobody wants it any more, and so does a sender; neither leaves anything open', async () => {
    await smallTree();
    const open = () => readdirSync('/proc/self/fd').length;
    const opened = open();
    const aborted: AbortSignal = AbortSignal.abort();
    const receiving = receiveTree(asStream([]), { into: sink, ids: whole }, { ...call, signal: aborted });
    await expect(receiving).rejects.toMatchObject({ code: 'ABORTED' });
    const sending = sendTree({ target: { path: source, id: 'one' } }, call);
    await sending.next();
    await sending.return(undefined);
    const late = sendTree({ target: { path: source, id: 'one' } }, { ...call, timeoutMs: 0 });
    await expect(late.next()).rejects.toMatchObject({ code: 'TIMED_OUT' });
    expect(await refusal([])).toBe('TRUNCATED');
    expect(open()).toBe(opened);
  });

  const metadata = (mode: number): Metadata => {
    const fixed = Buffer.alloc(24);
    fixed.writeUInt32LE(mode, 8);
    return { fixed, attributes: Buffer.alloc(0) };
  };
  const ofFile = metadata(0o100644);
  const ofFolder = metadata(0o040755);
  const ofLink = metadata(0o120777);
  const name = (text: string): Buffer => Buffer.from(text, 'latin1');
  const stream = (tell: (writer: RecordWriter) => void, ids = changes): Buffer[] => {
    const writer = new RecordWriter(ids);
    tell(writer);
    writer.finish({ depth: 'shape', wholeSeconds: false, digest: Buffer.alloc(32) });
    return writer.frames;
  };

  const hostile: Record<string, (writer: RecordWriter) => void> = {
    'a name that leads up': (w) => w.remove(name('..')),
    'the folder itself as a name': (w) => w.remove(name('.')),
    'a path as a name': (w) => {
      w.file(name('../outside/new'), 0);
      w.end(ofFile);
    },
    'an absolute path as a name': (w) => {
      w.make(name('/tmp/x'));
      w.leave(ofFolder);
    },
    'no name': (w) => {
      w.make(name(''));
      w.leave(ofFolder);
    },
    'a name with a zero': (w) => {
      w.make(name('a\0b'));
      w.leave(ofFolder);
    },
    'a link that is entered': (w) => {
      w.enter(name('out'));
      w.leave(undefined);
    },
    'a link that it made itself, entered': (w) => {
      w.link(name('new'), name('../outside'), ofLink);
      w.enter(name('new'));
      w.leave(undefined);
    },
    'content for what a link leads to': (w) => {
      w.change(name('to file'), 3);
      w.end(ofFile);
    },
    'a file in the place of a link': (w) => {
      w.file(name('to file'), 3);
      w.end(ofFile);
    },
    'a hard link to what is outside': (w) => w.hardLink(name('new'), name('../outside/file')),
    'a hard link by way of a link': (w) => w.hardLink(name('new'), name('out/file')),
    'a hard link by an absolute path': (w) => w.hardLink(name('new'), name('/etc/passwd')),
    'a hard link to a folder': (w) => w.hardLink(name('new'), name('folder')),
    'a hard link to nothing': (w) => w.hardLink(name('new'), name('')),
    'metadata of a folder for a link': (w) => w.metadata(name('out'), ofFolder),
    'metadata of a file for a link': (w) => w.metadata(name('to file'), ofFile),
    'content for a fifo': (w) => {
      w.change(name('pipe'), 3);
      w.end(ofFile);
    },
    'a file that ends as a link': (w) => {
      w.file(name('new'), 0);
      w.end(ofLink);
    },
    'a block behind the end': (w) => {
      w.file(name('new'), 3);
      w.block(Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 3, 0, 0, 0]), name('abc')]));
      w.end(ofFile);
    },
    'a block that is too long': (w) => {
      w.file(name('new'), 3);
      w.block(Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 4, 0, 0, 0]), name('abcd')]));
      w.end(ofFile);
    },
    'names in the wrong order': (w) => {
      w.make(name('new b'));
      w.leave(ofFolder);
      w.make(name('new a'));
      w.leave(ofFolder);
    },
    'a name twice': (w) => {
      w.link(name('new'), name('x'), ofLink);
      w.link(name('new'), name('y'), ofLink);
    },
    'an attribute of the machine': (w) => {
      const attributes = Buffer.concat([Buffer.from([16]), name('security.selinux'), Buffer.from([1, 0, 0, 0, 65])]);
      w.metadata(name('plain'), { ...ofFile, attributes });
    },
  };

  const endless: typeof hostile = {
    'a file that does not end': (w) => {
      w.file(name('new'), 0);
      w.leave(undefined);
    },
    'a way out of the top': (w) => {
      w.leave(undefined);
      w.leave(undefined);
    },
    'no way back to the top': (w) => w.enter(name('folder')),
    'nothing at all': () => undefined,
  };
  /** But for what is wrong with them, they are complete. */
  const complete = Object.entries(hostile).map(([what, tell]): [string, typeof tell] => [
    what,
    (writer) => {
      tell(writer);
      writer.leave(undefined);
    },
  ]);

  test.each([...complete, ...Object.entries(endless)])('refuses %s', async (_, tell) => {
    await mkdir(join(sink, 'folder'));
    await symlink('../outside', join(sink, 'out'));
    await writeFile(join(sink, 'plain'), '');
    execFileSync('mknod', [join(sink, 'pipe'), 'p']);
    await symlink('../outside/file', join(sink, 'to file'));
    expect(await refusal(stream(tell), changes)).toBe('DAMAGED');
  });

  test('meets any records with success or a stable error, and never touches what is outside', async () => {
    const someName = fc.constantFrom('a', 'b', 'c', '..', '.', 'a/b', '../outside').map(name);
    const someMetadata = fc.constantFrom(ofFile, ofFolder, ofLink, metadata(0o010600), metadata(0));
    type Step = (writer: RecordWriter) => void;
    const step: fc.Arbitrary<Step> = fc.oneof(
      fc.tuple(fc.constantFrom('enter' as const, 'make' as const, 'make' as const, 'remove' as const), someName).map(
        ([what, of]): Step =>
          (w) =>
            w[what](of),
      ),
      fc
        .tuple(fc.constantFrom('file' as const, 'change' as const), someName, fc.nat({ max: 300_000 }), someMetadata)
        .map(([what, of, size, end]): Step => (w) => {
          w[what](of, size);
          w.end(end);
        }),
      fc.tuple(someName, someName, someMetadata).map(
        ([of, to, end]): Step =>
          (w) =>
            w.link(of, to, end),
      ),
      fc.tuple(someName, someName).map(
        ([of, to]): Step =>
          (w) =>
            w.hardLink(of, to),
      ),
      fc.tuple(someName, someMetadata).map(
        ([of, end]): Step =>
          (w) =>
            w.metadata(of, end),
      ),
      fc.tuple(someName, someMetadata).map(
        ([of, end]): Step =>
          (w) =>
            w.special(of, { major: 1, minor: 3 }, end),
      ),
      fc.option(someMetadata, { nil: undefined }).map(
        (end): Step =>
          (w) =>
            w.leave(end),
      ),
      fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 9 })).map(
        ([at, count]): Step =>
          (w) =>
            w.hole(at, count),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        await emptySink();
        await symlink('../outside', join(sink, 'b'));
        const met = await refusal(
          stream((writer) => steps.forEach((tell) => tell(writer))),
          changes,
        );
        expect(['done', ...Object.keys(ioErrorCodes)]).toContain(met);
        expect(met).not.toBe('FAILED');
        expect(await inventory(join(temp.path, 'outside'))).toEqual(before);
      }),
      { numRuns: 40 },
    );
  });
});
