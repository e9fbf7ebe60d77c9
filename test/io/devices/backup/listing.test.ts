/** Folders of a backup, from the names of all that is in it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CatalogEntry } from '#io/devices/backup/format/catalog.ts';
import { listFolder } from '#io/devices/backup/listing.ts';
import { joinPath } from '#events/values/tree-path.ts';

async function* catalogOf(entries: readonly CatalogEntry[]): AsyncGenerator<CatalogEntry> {
  yield* entries;
}

const name = fc.constantFrom('a', 'b', 'ab', 'a-b', 'z', 'é');
const paths = fc.uniqueArray(
  fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
  { maxLength: 40 },
);
const all = { limit: 1000 };

describe('a folder of a backup', () => {
  test('walked from the root has everything once, and sums that agree', async () => {
    await fc.assert(
      fc.asyncProperty(paths, async (names) => {
        const entries = names.map((path, n) => ({ path, bytes: 512 * (n + 1) }));
        const found = new Set<string>();
        const walk = async (folder: string): Promise<void> => {
          const listed = await listFolder(catalogOf(entries), folder, all);
          if (!listed) throw new Error(`${folder} is not there`);
          expect(listed.self.entries).toBe(names.filter((one) => folder === '' || one.startsWith(`${folder}/`)).length);
          const own = entries.find(({ path }) => path === folder)?.bytes ?? 0;
          expect(listed.items.reduce((sum, { bytes }) => sum + bytes, own)).toBe(listed.self.bytes);
          for (const { name: child, entries: below } of listed.items) {
            const at = joinPath(folder, child);
            expect(found.has(at)).toBe(false);
            found.add(at);
            if (below > 0) await walk(at);
          }
        };
        await walk('');
        for (const path of names) expect(found).toContain(path);
      }),
    );
  });

  test('by pages of any size is the same', async () => {
    await fc.assert(
      fc.asyncProperty(paths, fc.integer({ min: 1, max: 7 }), async (names, limit) => {
        const entries = names.map((path) => ({ path, bytes: 512 }));
        const whole = await listFolder(catalogOf(entries), '', all);
        const pages: string[] = [];
        for (let after: string | undefined, more = true; more; after = pages.at(-1)) {
          const page = await listFolder(catalogOf(entries), '', { limit, ...(after === undefined ? {} : { after }) });
          pages.push(...(page?.items.map((item) => item.name) ?? []));
          more = page?.more ?? false;
        }
        expect(pages).toEqual(whole?.items.map((item) => item.name));
      }),
    );
  });

  test('that is not there is none', async () => {
    const entries = [{ path: 'ab/c', bytes: 512 }];
    expect(await listFolder(catalogOf(entries), 'a', all)).toBeUndefined();
    expect(await listFolder(catalogOf(entries), 'ab/c', all)).toMatchObject({ self: { entries: 0 }, items: [] });
    expect(await listFolder(catalogOf([]), '', all)).toMatchObject({ items: [], more: false });
  });
});
