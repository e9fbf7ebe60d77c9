/** No dataset goes that nobody asked to delete, and no snapshot that nobody asked to remove. */
import type { LabView } from '#actors/actor.ts';
import { datasetOf } from '#actors/volume/actor.ts';
import type { World } from '#io/world/world.ts';

export function checkVolumes(world: World, lab: LabView): string[] {
  const there = new Map<string, readonly { readonly name: string }[]>(
    world.machines.flatMap(({ id, volumes }) =>
      volumes.contents().map(({ of, snapshots }) => [`node:${id}/${of.pool}/${of.name}`, snapshots] as const),
    ),
  );
  const wrong: string[] = [];
  for (const volume of lab.list('volume')) {
    const dataset = datasetOf(volume);
    const { dataset: made, failedIn, node } = volume.context;
    if (made === null || !dataset || volume.state === 'deleting' || failedIn === 'deleting') continue;
    const snapshots = there.get(`${node}/${dataset.pool}/${dataset.dataset}`);
    if (!snapshots) {
      wrong.push(`${volume.context.metadata.name} is ${volume.state}, but its dataset is gone`);
      continue;
    }
    const names = new Set(snapshots.map(({ name }) => name));
    for (const { state, context } of lab.referrers(volume.stream, 'snapshot')) {
      if (state === 'available' && !names.has(context.metadata.name)) {
        wrong.push(`snapshot ${context.metadata.name} of ${volume.context.metadata.name} is gone`);
      }
    }
  }
  return wrong;
}
