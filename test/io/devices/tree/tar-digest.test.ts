/** The digest of what a tar holds is that of its tree: whatever the order, and nothing that counts is left out. */
import fc from 'fast-check';
import { pack, type Header } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import { differing, digested, type TarDigest } from '#io/devices/tree/tar-digest.ts';

type Entry = Partial<Header> & { readonly name: string } & { readonly content?: Uint8Array };

async function digestOf(entries: readonly Entry[], linked: readonly string[] = []): Promise<TarDigest> {
  const tar = pack();
  for (const { content, ...header } of entries) {
    const head = { mtime: new Date(0), ...header } as Header;
    if (content) tar.entry(head, Buffer.from(content));
    else tar.entry(head);
  }
  tar.finalize();
  let digest: TarDigest | undefined;
  const passed: Uint8Array[] = [];
  for await (const piece of digested(tar as AsyncIterable<Uint8Array>, new Set(linked), (it) => (digest = it)))
    passed.push(piece);
  if (!digest) throw new Error('it told nothing');
  expect(Buffer.concat(passed).length % 512).toBe(0);
  return digest;
}

const file = (name: string, content: string | Uint8Array, more: object = {}): Entry => ({
  ...{ name: `./${name}`, content: Buffer.from(content) },
  ...more,
});

const tree = fc.uniqueArray(
  fc.record({
    name: fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
    content: fc.uint8Array({ maxLength: 2000 }),
  }),
  { selector: ({ name }) => name, minLength: 1, maxLength: 8 },
);

describe('the digest of a tar', () => {
  test('is the same in whatever order its entries come', () =>
    fc.assert(
      fc.asyncProperty(
        tree.chain((files) => fc.tuple(fc.constant(files), fc.shuffledSubarray(files, { minLength: files.length }))),
        async ([files, shuffled]) => {
          const [a, b] = [files, shuffled].map((some) => some.map(({ name, content }) => file(name, content)));
          expect(await digestOf(a ?? [])).toEqual({
            ...(await digestOf(b ?? [])),
            folders: expect.anything() as unknown,
          });
        },
      ),
      { numRuns: 50 },
    ));

  test('is another one for another byte, and tells the folder', () =>
    fc.assert(
      fc.asyncProperty(tree, fc.nat(), fc.nat(), async (files, which, at) => {
        const index = which % files.length;
        const before = files.map(({ name, content }) => file(name, content));
        const hurt = before.map((entry, n) => {
          if (n !== index) return entry;
          const content = Buffer.concat([entry.content ?? Buffer.alloc(0), Buffer.alloc(1)]);
          content[at % content.length] = (content[at % content.length] ?? 0) ^ 1;
          return { ...entry, content };
        });
        const [a, b] = [await digestOf(before), await digestOf(hurt)];
        const { name = '' } = files[index] ?? {};
        expect(differing(a, b)).toEqual([name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : '']);
        expect(a.digest).not.toBe(b.digest);
      }),
      { numRuns: 50 },
    ));

  test.each<[string, object]>([
    ['mode', { mode: 0o600 }],
    ['owner', { uid: 7 }],
    ['time', { mtime: new Date(5000) }],
    ['attribute', { pax: { 'SCHILY.xattr.user.comment': 'hello' } }],
  ])('counts the %s of a file', async (_, more) => {
    const [a, b] = [await digestOf([file('d/a', 'x')]), await digestOf([file('d/a', 'x', more)])];
    expect(differing(a, b)).toEqual(['d']);
  });

  test('does not count what FloatLab keeps, nor a label of the file system', async () => {
    const label = { pax: { 'SCHILY.xattr.security.selinux': 'unlabeled' } };
    const [a, b] = [
      await digestOf([file('a', 'x')]),
      await digestOf([file('a', 'x', label), file('.floatlab-restore/a', 'y')]),
    ];
    expect(a).toEqual(b);
  });

  test('is the same whichever name of a file comes first, and another one when it is no link any more', async () => {
    const link = (name: string, to: string): Entry => ({ name: `./${name}`, type: 'link', linkname: `./${to}` });
    const names = ['d/a', 'e/b'];
    const a = await digestOf([file('d/a', 'x'), link('e/b', 'd/a')], names);
    const b = await digestOf([file('e/b', 'x'), link('d/a', 'e/b')], names);
    const apart = await digestOf([file('d/a', 'x'), file('e/b', 'x')], names);
    expect(a.digest).toBe(b.digest);
    expect(differing(a, apart)).toEqual(['d', 'e']);
  });

  test('takes a hole for zeros', async () => {
    const data = Buffer.alloc(1000, 7);
    const whole = Buffer.alloc(300_000);
    data.copy(whole, 200_000);
    const map = Buffer.alloc(512);
    map.write('2\n200000\n1000\n300000\n0\n');
    const sparse = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '300000' };
    const a = await digestOf([file('d/a', whole)]);
    const b = await digestOf([
      file('d/GNUSparseFile.1/a', Buffer.concat([map, data]), { pax: { ...sparse, 'GNU.sparse.name': './d/a' } }),
    ]);
    expect({ ...a, folders: [...a.folders] }).toEqual({ ...b, folders: [...b.folders] });
  });
});
