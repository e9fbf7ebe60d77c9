/** No dataset goes that nobody asked to delete, and no snapshot that nobody asked to remove; each has the room it was given. */
import type { LabView } from '#actors/actor.ts';
import { datasetOf } from '#actors/volume/actor.ts';
import type { SimContent } from '#io/devices/volumes/sim/hands.ts';
import type { World } from '#io/world/world.ts';

/** Datasets by node, pool and name. */
const datasetsOf = (world: World): ReadonlyMap<string, SimContent> =>
  new Map(
    world.machines.flatMap(({ id, volumes }) =>
      volumes.contents().map((content) => [`node:${id}/${content.of.pool}/${content.of.name}`, content] as const),
    ),
  );

export function checkVolumes(world: World, lab: LabView): string[] {
  const there = datasetsOf(world);
  const wrong: string[] = [];
  for (const volume of lab.list('volume')) {
    const dataset = datasetOf(volume);
    const { dataset: made, failedIn, node, metadata, spec } = volume.context;
    const ends = [volume.state, failedIn].some((state) => state === 'deleting' || state === 'releasing');
    if (made === null || !dataset || ends) continue;
    const found = there.get(`${node}/${dataset.pool}/${dataset.dataset}`);
    if (!found) {
      wrong.push(`${metadata.name} is ${volume.state}, but its dataset is gone`);
      continue;
    }
    if (volume.state === 'ready' && found.sizeBytes !== spec.sizeBytes)
      wrong.push(`${metadata.name} shall have ${spec.sizeBytes} bytes, and its dataset has ${found.sizeBytes}`);
    const guids = new Map(found.snapshots.map(({ name, guid }) => [name, guid]));
    for (const { state, context } of lab.referrers(volume.stream, 'snapshot')) {
      const guid = guids.get(context.metadata.name);
      if (state !== 'available' || guid === context.guid) continue;
      const what = guid === undefined ? 'is gone' : 'is another one than was taken';
      wrong.push(`snapshot ${context.metadata.name} of ${metadata.name} ${what}`);
    }
  }
  return wrong;
}

/** Once the lab has come to rest: no dataset and no snapshot of which it knows nothing. */
export function checkLeaks(world: World, lab: LabView): string[] {
  const known = new Map<string, ReadonlySet<string>>();
  for (const volume of lab.list('volume')) {
    const dataset = datasetOf(volume);
    if (!dataset) continue;
    const { node, rollback, move } = volume.context;
    if (move) known.set(`${node}/${move.pool}/${move.dataset}`, new Set());
    const names = lab.referrers(volume.stream, 'snapshot').map(({ context }) => context.metadata.name);
    // A roll-back that failed may have kept the present already.
    known.set(`${node}/${dataset.pool}/${dataset.dataset}`, new Set(rollback ? [...names, rollback.stash] : names));
  }
  const wrong: string[] = [];
  for (const [path, { snapshots }] of datasetsOf(world)) {
    const names = known.get(path);
    if (!names) wrong.push(`dataset ${path} belongs to no volume`);
    for (const { name } of names ? snapshots : []) {
      if (!names?.has(name)) wrong.push(`snapshot ${name} of dataset ${path} is not known to the lab`);
    }
  }
  return wrong;
}
