/** Real engines and a real registry: pins hold when tags move, images go from node to node, logins open registries. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabView } from '#actors/actor.ts';
import { ensureImage } from '#io/agent/images/ensure.ts';
import { registryLogins, type LoginOf } from '#io/agent/images/logins.ts';
import type { ImageSource, WantedImage } from '#io/agent/images/source.ts';
import { startOwnEngine, stopOwnEngine } from '#io/daemon/engine.ts';
import type { DockerPort } from '#io/devices/docker/port.ts';
import { dockerOverSocket } from '#io/devices/docker/real.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { remoteImages } from '#io/lab/remote-images.ts';
import { missingDocker, patientCall, quietLog, sharedEngine, type SharedEngine } from '#test/engine-fixture.ts';
import { MemoryOthers } from '#test/io/lab/memory-others.ts';
import { startRegistry } from '#test/io/devices/docker/registry.ts';
import { describeReal } from '#test/real.ts';
import { login, missingRegistry, push, startRealRegistry, type RealRegistry } from '#test/registry-fixture.ts';

/** No other node. */
const nobody: ImageSource = { find: () => Promise.resolve([]), read: () => raise() };
const raise = (): never => {
  throw new Error('nobody has it');
};

/** What a lab keeps of one registry. */
function openings(registry: string) {
  let content: string | undefined;
  const access = () =>
    content === undefined ? {} : { [registry]: { username: login.username, secret: 's', since: 0 } };
  return {
    lab: { get: () => ({ context: { registries: access() } }) } as unknown as LabView,
    blobs: { get: () => Promise.resolve(Buffer.from(content ?? '')) },
    open: (password: string) => void (content = JSON.stringify({ password })),
  };
}

describeReal('images on real engines', missingDocker() ?? missingRegistry(), () => {
  let engine: SharedEngine;
  let other: DockerPort;
  let otherFolder: string;
  const named: string[] = [];
  const lab = {
    list: (kind: string) =>
      kind === 'app' ? named.map((image) => ({ context: { spec: { services: { web: { image } } } } })) : [],
    get: (node: string) => ({ state: 'up', context: { metadata: { name: node }, facts: { architecture: 'x64' } } }),
  } as unknown as LabView;
  const sources: Record<string, ImageSource> = {};

  beforeAll(async () => {
    engine = await sharedEngine();
    otherFolder = await mkdtemp(join(tmpdir(), `floatlab-engine-test-${process.pid}-`));
    const { socketPath } = await startOwnEngine({ dataDir: otherFolder, log: quietLog, isolated: true });
    other = dockerOverSocket({ socketPath });
    const network = new Map<string, MemoryOthers>();
    for (const [name, docker] of Object.entries({ atlas: engine.docker, vega: other })) {
      const others = new MemoryOthers(name, network, () => false);
      sources[name] = remoteImages({ docker, lab, others, clock: realClock });
    }
  }, 120_000);
  afterAll(async () => {
    await stopOwnEngine({ dataDir: otherFolder, remove: true });
    await rm(otherFolder, { recursive: true, force: true });
  }, 60_000);

  /** A new one under this name, of no bytes that another one has. */
  async function make(reference: string): Promise<string> {
    const tar = pack();
    tar.entry({ name: 'content' }, randomBytes(3 * 2 ** 20));
    tar.finalize();
    await engine.docker.importImage(tar as AsyncIterable<Uint8Array>, reference, ['CMD ["/content"]'], patientCall());
    return (await engine.docker.image(reference, patientCall()))?.id ?? '';
  }
  const noLogins: LoginOf = () => Promise.resolve(undefined);
  const on =
    (name: string, docker: DockerPort, logins = noLogins) =>
    (wanted: WantedImage) =>
      ensureImage(wanted, { docker, images: sources[name] as ImageSource, logins }, patientCall());

  describe('with a registry', () => {
    let registry: RealRegistry;
    beforeAll(async () => void (registry = await startRealRegistry()));
    afterAll(() => registry.stop());

    test('what runs is what the tag meant at the first start, after it was moved and the image was lost', async () => {
      const image = `${registry.address}/shop:1`;
      const first = await make(image);
      await push(engine.socketPath, image);
      const { pin, reference } = await on('vega', other)({ image });
      expect(pin.ids).toEqual([first]);
      expect(reference).toBe(`${registry.address}/shop@${pin.digest}`);
      const second = await make(image);
      await push(engine.socketPath, image);
      expect(await other.registryDigest(image, patientCall())).not.toBe(pin.digest);
      await engine.docker.removeImage(first, patientCall()).catch(() => {});
      for (const name of [image, reference]) await other.removeImage(name, patientCall());
      expect(await other.image(first, patientCall())).toBeUndefined();
      expect((await on('vega', other)({ image, pin })).pin).toEqual(pin);
      expect(await other.image(reference, patientCall())).toMatchObject({ id: first });
      // Whoever asks for what it means now gets the other one.
      expect((await on('vega', other)({ image })).pin.ids).toEqual([second]);
    });

    test('a container of a pinned image can be made', async () => {
      const image = `${registry.address}/run:1`;
      await make(image);
      await push(engine.socketPath, image);
      const { reference } = await on('vega', other)({ image });
      const spec = { name: 'pinned', environment: [], labels: {}, ports: [], mounts: [], networks: [] };
      const id = await other.create({ ...spec, image: reference }, patientCall());
      expect(await other.inspect(id, patientCall())).toMatchObject({ image: reference });
      await other.remove(id, patientCall());
    });
  });

  test('an image that was imported on one node comes whole to another one, by its id and with its name', async () => {
    const image = 'handmade:1';
    named.push(image);
    const id = await make(image);
    const { pin } = await on('atlas', engine.docker)({ image });
    expect(pin).toEqual({ image, ids: [id] });
    expect(await on('vega', other)({ image, pin })).toEqual({ reference: id, pin });
    expect((await other.image(image, patientCall()))?.id).toBe(id);
  });

  test('a registry that asks for a login opens for whoever has it, and for nobody else', async () => {
    const registry = await startRealRegistry({ asksForLogin: true });
    try {
      const image = `${registry.address}/private:1`;
      const id = await make(image);
      await push(engine.socketPath, image);
      const opened = { ...login, server: registry.address };
      await expect(other.registryDigest(image, patientCall())).rejects.toThrow();
      await expect(other.pull(image, patientCall(), { ...opened, password: 'wrong' })).rejects.toThrow();
      await other.pull(image, patientCall(), opened);
      expect((await other.image(image, patientCall()))?.id).toBe(id);
      expect(await other.registryDigest(image, patientCall(), opened)).toMatch(/^sha256:/);
      // As a start does it, with what the lab keeps: first without, then with a wrong one, then with the right one.
      for (const name of [image, id]) await other.removeImage(name, patientCall());
      const held = openings(registry.address);
      const logins = registryLogins(held.lab, held.blobs);
      const start = () => ensureImage({ image }, { docker: other, images: nobody, logins }, patientCall());
      const denied = {
        code: 'IMAGE_PULL_FAILED',
        message: expect.stringContaining(`registry ${registry.address} denied`),
        hint: `Give the lab the right one: floatlab registry login ${registry.address}`,
      };
      await expect(start()).rejects.toMatchObject(denied);
      held.open('wrong');
      await expect(start()).rejects.toMatchObject(denied);
      held.open(login.password);
      expect((await start()).pin.ids).toEqual([id]);
    } finally {
      await registry.stop();
    }
  });

  test('a registry that gives a token for a login opens as well', async () => {
    const registry = await startRegistry(Buffer.alloc(1), `${login.username}:${login.password}`);
    try {
      const { image, address } = registry;
      const held = openings(address);
      const logins = registryLogins(held.lab, held.blobs);
      const start = () => ensureImage({ image }, { docker: other, images: nobody, logins }, patientCall());
      const denied = { code: 'IMAGE_PULL_FAILED', message: expect.stringContaining(`registry ${address} denied`) };
      await expect(start()).rejects.toMatchObject(denied);
      held.open('wrong');
      await expect(start()).rejects.toMatchObject(denied);
      held.open(login.password);
      expect((await start()).pin.digest).toMatch(/^sha256:/);
    } finally {
      await registry.close();
    }
  });
});
