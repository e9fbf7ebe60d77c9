import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { maxBlobBytes, memoryBlobs, openBlobs, type BlobStore } from '#io/stores/blobs.ts';

const key = new Uint8Array(32).fill(7);
const otherKey = new Uint8Array(32).fill(8);
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'floatlab-blobs-'));
});
afterEach(() => rm(dir, { recursive: true }));

const stores: readonly (readonly [string, () => BlobStore])[] = [
  ['A blob store in files', () => openBlobs({ dir: join(dir, 'blobs'), key })],
  ['A blob store in memory', () => memoryBlobs(key)],
];

describe.each(stores)('%s', (_, make) => {
  test('gives back what was put, under the address that it had foretold', async () => {
    const blobs = make();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
        const ref = blobs.address(bytes);
        expect(await blobs.put(bytes)).toBe(ref);
        expect(await blobs.has(ref)).toBe(true);
        expect(Buffer.compare(await blobs.get(ref), bytes)).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  test('gives equal content one address, and takes it twice, also at once', async () => {
    const blobs = make();
    const refs = await Promise.all(['a', 'a', 'b', 'a'].map((content) => blobs.put(Buffer.from(content))));
    expect(new Set(refs).size).toBe(2);
    expect(Buffer.from(await blobs.get(refs[0] as string)).toString()).toBe('a');
  });

  test('says that a blob is missing', async () => {
    const blobs = make();
    const ref = blobs.address(Buffer.from('never put'));
    expect(await blobs.has(ref)).toBe(false);
    await expect(blobs.get(ref)).rejects.toMatchObject({ name: 'StoreError', code: 'MISSING' });
  });

  test('keeps its own copy', async () => {
    const blobs = make();
    const bytes = Buffer.from('content');
    const ref = await blobs.put(bytes);
    bytes.fill(0);
    (await blobs.get(ref)).fill(0);
    expect(Buffer.from(await blobs.get(ref)).toString()).toBe('content');
  });

  test('takes no path for an address', async () => {
    const blobs = make();
    for (const ref of ['', '../../etc/passwd', 'A'.repeat(64), `${'a'.repeat(63)}/`]) {
      await expect(blobs.get(ref)).rejects.toMatchObject({ code: 'FAILED' });
      await expect(blobs.has(ref)).rejects.toMatchObject({ code: 'FAILED' });
    }
  });

  test('refuses what is larger than the bound', async () => {
    const huge = new Uint8Array(maxBlobBytes + 1);
    await expect(make().put(huge)).rejects.toMatchObject({
      code: 'FAILED',
      message: expect.stringContaining(String(maxBlobBytes)),
    });
  });
});

test('addresses are the same in files and in memory, and unlike in another lab', () => {
  const bytes = Buffer.from('content');
  const inFiles = openBlobs({ dir, key }).address(bytes);
  expect(inFiles).toMatch(/^[0-9a-f]{64}$/);
  expect(memoryBlobs(key).address(bytes)).toBe(inFiles);
  expect(memoryBlobs(otherKey).address(bytes)).not.toBe(inFiles);
});

test('neither content nor a plain hash of it can be read from the disk', async () => {
  const blobs = openBlobs({ dir, key });
  const secret = 'POSTGRES_PASSWORD=hunter2';
  const ref = await blobs.put(Buffer.from(secret));
  const path = join(dir, ref.slice(0, 2), ref);
  expect((await readFile(path)).includes(secret.slice(0, 8))).toBe(false);
  for (const hash of ['sha256', 'sha512', 'sha1']) {
    expect(ref).not.toContain(createHash(hash).update(secret).digest('hex').slice(0, 16));
  }
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('the same content is sealed differently each time, and read after opening again', async () => {
  const blobs = openBlobs({ dir, key });
  const ref = await blobs.put(Buffer.from('content'));
  const path = join(dir, ref.slice(0, 2), ref);
  const first = await readFile(path);
  await rm(path);
  await blobs.put(Buffer.from('content'));
  expect(Buffer.compare(await readFile(path), first)).not.toBe(0);
  expect(Buffer.from(await openBlobs({ dir, key }).get(ref)).toString()).toBe('content');
});

test('every flipped bit and every missing end is noticed, and putting the content again repairs it', async () => {
  const blobs = openBlobs({ dir, key });
  const ref = await blobs.put(Buffer.from('content'));
  const path = join(dir, ref.slice(0, 2), ref);
  const whole = await readFile(path);
  for (let bit = 0; bit < whole.length * 8; bit += 3) {
    const bytes = Buffer.from(whole);
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    await writeFile(path, bytes);
    await expect(blobs.get(ref)).rejects.toMatchObject({ code: 'DAMAGED' });
  }
  for (let length = 0; length < whole.length; length++) {
    await writeFile(path, whole.subarray(0, length));
    await expect(blobs.get(ref)).rejects.toMatchObject({ code: 'DAMAGED', hint: expect.stringMatching(/backup/) });
  }
  await blobs.put(Buffer.from('content'));
  expect(Buffer.from(await blobs.get(ref)).toString()).toBe('content');
});

test('a blob at the address of another, or under another key, is not taken for it', async () => {
  const blobs = openBlobs({ dir, key });
  const [a, b] = [await blobs.put(Buffer.from('a')), await blobs.put(Buffer.from('b'))];
  await rename(join(dir, a.slice(0, 2), a), join(dir, b.slice(0, 2), b));
  await expect(blobs.get(b)).rejects.toMatchObject({ code: 'DAMAGED' });
  const ref = await blobs.put(Buffer.from('c'));
  await expect(openBlobs({ dir, key: otherKey }).get(ref)).rejects.toMatchObject({ code: 'DAMAGED' });
});

test('leftovers of a crash are cleared away, and no others remain', async () => {
  await mkdir(join(dir, 'incoming'), { recursive: true });
  await writeFile(join(dir, 'incoming', 'half'), 'x');
  const blobs = openBlobs({ dir, key });
  await Promise.all(Array.from({ length: 5 }, (_, i) => blobs.put(Buffer.from(String(i)))));
  expect(await readdir(join(dir, 'incoming'))).toEqual([]);
});

test('a write that fails says why, and a later one may succeed', async () => {
  const file = join(dir, 'blobs');
  await writeFile(file, '');
  const blobs = openBlobs({ dir: file, key });
  await expect(blobs.put(Buffer.from('a'))).rejects.toMatchObject({ code: 'FAILED' });
  await rm(file);
  await chmod(dir, 0o700);
  expect(await blobs.has(await blobs.put(Buffer.from('a')))).toBe(true);
});

test('what an earlier version sealed can still be read, at the same address', async () => {
  const ref = '0c69fa2e631465f9cc3ec79cdb34ba62c5e98a12eed8f73b5dfe1c83ea927473';
  const sealed = '01961c29800904ec527a3ebad0f41d2a7f8624a5a90a4a681b19eae31d6a21c1fc6a9137';
  await mkdir(join(dir, '0c'));
  await writeFile(join(dir, '0c', ref), Buffer.from(sealed, 'hex'));
  const blobs = openBlobs({ dir, key });
  expect(Buffer.from(await blobs.get(ref)).toString()).toBe('content');
  expect(blobs.address(Buffer.from('content'))).toBe(ref);
});

test('a data key of another length is refused at once', () => {
  expect(() => openBlobs({ dir, key: new Uint8Array(16) })).toThrow('32 are needed');
});
