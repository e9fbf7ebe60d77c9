/** How a start gets its image, and that it is the pinned one, whatever happens to tags, registries and links. */
import { beforeEach, describe, expect, test } from 'vitest';
import { byDigest, digestFor, isLabImage } from '#io/agent/images/names.ts';
import { IoError } from '#io/devices/error.ts';
import { call, importInto, TwoEngines } from './two-engines.ts';

let two: TwoEngines;
beforeEach(() => void (two = new TwoEngines()));
const image = 'nginx:1';

const failure = async (promise: Promise<unknown>): Promise<IoError> => {
  try {
    await promise;
  } catch (error) {
    if (error instanceof IoError) return error;
    throw error;
  }
  throw new Error('it did not fail');
};

describe('the first start with a tag', () => {
  test('pins what the registry has under it', async () => {
    const { reference, pin } = await two.atlas.ensure({ image });
    const digest = two.registry.digest(image) ?? '';
    expect(reference).toBe(`nginx@${digest}`);
    const known = await two.atlas.docker.image(image, call());
    expect(pin).toEqual({ image, digest, ids: [known?.id] });
    expect(two.atlas.told[0]).toContain('asking the registry');
  });

  test('takes what the node has when the registry is away, and pins it by what it is', async () => {
    await two.atlas.docker.pull(image, call());
    const digest = two.registry.digest(image);
    two.registry.move(image);
    two.registry.isUp = false;
    expect((await two.atlas.ensure({ image })).pin.digest).toBe(digest);
    expect(two.atlas.told.at(-1)).toContain('did not answer');
  });

  test('takes what another node has when the registry is away and this one has nothing', async () => {
    await two.vega.docker.pull(image, call());
    two.registry.isUp = false;
    const digest = two.registry.digest(image);
    const { reference, pin } = await two.atlas.ensure({ image });
    expect(pin).toEqual({ image, digest, ids: [reference] });
    expect(two.atlas.told).toContain(`copying ${image} from vega`);
  });

  test('pins what was imported by its id, and asks no registry for it, which may have another one', async () => {
    const id = await importInto(two.atlas, image);
    expect(await two.atlas.ensure({ image })).toEqual({ reference: id, pin: { image, ids: [id] } });
    expect(two.atlas.told).toEqual([]);
  });

  test('finds what was built on another node by its tag; no registry is asked for names of the lab', async () => {
    const built = 'floatlab/default-shop-web:1-abc';
    const id = await importInto(two.vega, built);
    expect(await two.atlas.ensure({ image: built })).toEqual({ reference: id, pin: { image: built, ids: [id] } });
    // With its name, so that nobody takes it for rubbish.
    expect((await two.atlas.docker.image(built, call()))?.id).toBe(id);
    expect(two.atlas.told.some((text) => text.includes('registry'))).toBe(false);
  });

  test('of an image that is nowhere says why each way failed', async () => {
    const { code, message } = await failure(two.atlas.ensure({ image: 'own:1' }));
    expect(code).toBe('IMAGE_NOT_FOUND');
    expect(message).toMatch(/registry.*this node: does not have it; other nodes: none/);
  });
});

describe('a pinned image', () => {
  test('stays what it is although the tag was moved: on its node, and on another one', async () => {
    const { pin } = await two.atlas.ensure({ image });
    two.registry.move(image);
    expect((await two.atlas.ensure({ image, pin })).pin).toEqual(pin);
    // Somebody pulls the new one by hand.
    await two.atlas.docker.pull(image, call());
    const again = await two.atlas.ensure({ image, pin });
    expect(again.pin).toEqual(pin);
    expect((await two.atlas.docker.image(again.reference, call()))?.id).toBe(pin.ids[0]);
    const there = await two.vega.ensure({ image, pin });
    expect((await two.vega.docker.image(there.reference, call()))?.id).toBe(pin.ids[0]);
    expect(two.vega.told).toContain(`copying ${image} from atlas`);
  });

  test('comes from the registry by its digest when no node can be asked', async () => {
    const { pin } = await two.atlas.ensure({ image });
    two.registry.move(image);
    two.cuts.add('vega>atlas');
    const { reference } = await two.vega.ensure({ image, pin });
    expect(reference).toBe(byDigest(image, pin.digest ?? ''));
    expect((await two.vega.docker.image(reference, call()))?.id).toBe(pin.ids[0]);
  });

  test('is not replaced by the one that the node has under its tag; the error tells every way', async () => {
    const { pin } = await two.atlas.ensure({ image });
    two.registry.move(image);
    await two.vega.docker.pull(image, call());
    two.registry.isUp = false;
    two.cuts.add('vega>atlas');
    const { code, message } = await failure(two.vega.ensure({ image, pin }));
    expect(code).toBe('IMAGE_PULL_FAILED');
    expect(message).toMatch(/could not be pulled.*this node: does not have it; other nodes: none/);
  });

  test('of another kind of processor is not asked of that node', async () => {
    const { pin } = await two.atlas.ensure({ image });
    two.architectures['node:atlas'] = 'arm64';
    await two.vega.ensure({ image, pin });
    expect(two.vega.told.some((text) => text.includes('copying'))).toBe(false);
  });

  test('whose link is cut in the middle leaves nothing behind, and comes when the link is back', async () => {
    const id = await importInto(two.atlas, 'own:1');
    const pin = { image: 'own:1', ids: [id] };
    let isCut = true;
    two.atlas.others.tamper('images/bytes', async function* (pieces) {
      let n = 0;
      for await (const piece of pieces) {
        if (isCut && n++ === 3) two.cuts.add('atlas>vega');
        yield piece;
      }
    });
    const { message } = await failure(two.vega.ensure({ image: 'own:1', pin }));
    expect(message).toMatch(/node atlas: .*LINK_LOST/);
    expect(await two.vega.docker.images(call())).toEqual([]);
    two.cuts.clear();
    isCut = false;
    expect((await two.vega.ensure({ image: 'own:1', pin })).reference).toBe(id);
  });

  test('that comes as another one is refused', async () => {
    const id = await importInto(two.atlas, 'own:1');
    const other = await importInto(two.atlas, 'other:1');
    two.atlas.others.tamper('images/bytes', async function* () {
      yield* await two.atlas.docker.saveImage(other, call());
    });
    const { message } = await failure(two.vega.ensure({ image: 'own:1', pin: { image: 'own:1', ids: [id] } }));
    expect(message).toContain(`what came is not ${id}`);
    expect(await two.vega.docker.image('own:1', call())).toBeUndefined();
  });
});

test('a node gives images that apps name, and nothing else that its machine has', async () => {
  const id = await importInto(two.atlas, 'private:1');
  const holder = { id, node: 'atlas', nodeName: 'atlas', sizeBytes: 1 };
  const read = async () => {
    for await (const _ of two.vega.images.read(holder, { image: 'private:1' }, call().signal));
  };
  expect((await failure(read())).code).toBe('PERMISSION');
});

test('names: what is of the lab, and which digest is of which registry', () => {
  expect(['floatlab/a:1', 'docker.io/floatlab/a', 'ghcr.io/floatlab/a', 'floatlab:1'].map(isLabImage)).toEqual([
    true,
    true,
    false,
    false,
  ]);
  const digests = ['ghcr.io/a/nginx@sha256:01', 'nginx@sha256:02'];
  expect(digestFor('docker.io/library/nginx:3', digests)).toBe('sha256:02');
  expect(digestFor('ghcr.io/a/nginx', digests)).toBe('sha256:01');
  expect(digestFor('quay.io/nginx', digests)).toBeUndefined();
});
