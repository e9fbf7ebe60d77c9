import * as fc from 'fast-check';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestTree, verifyTree } from '#io/devices/tree-stream/digest.ts';
import { describeReal } from '#test/real.ts';
import {
  applyEdits,
  attributesIn,
  call,
  copyTree,
  edit,
  inventory,
  missingForTrees,
  received,
  sent,
  tempFolder,
} from './trees.ts';

describeReal('A stream of a tree', missingForTrees(), () => {
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  beforeAll(async () => (temp = await tempFolder()));
  afterAll(() => temp.dispose());

  test('brings any tree, and then any changes of it, to the other end as they are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(edit, { minLength: 5, maxLength: 25 }),
        fc.array(edit, { minLength: 1, maxLength: 15 }),
        async (first, then) => {
          const [source, base, sink] = ['source', 'base', 'sink'].map((name) => join(temp.path, name)) as [
            string,
            string,
            string,
          ];
          for (const folder of [source, base, sink]) await rm(folder, { recursive: true, force: true });
          await mkdir(source);
          await mkdir(sink);
          await applyEdits(source, first);
          const whole = await sent({ target: { path: source, id: 'one' } });
          const got = await received(whole, { into: sink, ids: { base: undefined, target: 'one' } });
          expect(await inventory(sink)).toEqual(await inventory(source));
          expect(attributesIn(sink)).toBe(attributesIn(source));
          await verifyTree(sink, got, call);

          copyTree(source, base);
          await applyEdits(source, then);
          const changes = await sent({ target: { path: source, id: 'two' }, base: { path: base, id: 'one' } });
          const more = await received(changes, { into: sink, ids: { base: 'one', target: 'two' } });
          expect(await inventory(sink)).toEqual(await inventory(source));
          expect(attributesIn(sink)).toBe(attributesIn(source));
          await verifyTree(sink, more, call);
          expect(await digestTree({ path: sink, depth: 'content' }, call)).toEqual(
            await digestTree({ path: source, depth: 'content' }, call),
          );
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 6) },
    );
  });
});
