/** A snapshot because of a change holds something else than the one before it. */
import type { LabView } from '#actors/actor.ts';
import { datasetOf } from '#actors/volume/actor.ts';
import type { World } from '#io/world/world.ts';

export function checkChanges(world: World, lab: LabView): string[] {
  const wrong: string[] = [];
  for (const volume of lab.list('volume')) {
    const dataset = datasetOf(volume);
    const there = world.machines
      .filter(({ id }) => volume.context.node === `node:${id}`)
      .flatMap(({ volumes }) => volumes.contents())
      .find(({ of }) => of.pool === dataset?.pool && of.name === dataset.dataset);
    const known = new Map(lab.referrers(volume.stream, 'snapshot').map(({ context }) => [context.guid, context]));
    for (const [n, { guid, name, files }] of (there?.snapshots ?? []).entries()) {
      const before = there?.snapshots[n - 1];
      const [one, other] = [known.get(guid), before && known.get(before.guid)];
      // What was asked for later may have been taken first.
      const isLate = one && other && other.requestedAt > one.requestedAt;
      if (one?.reason !== 'change' || isLate || !before || !isSame(files, before.files)) continue;
      wrong.push(`snapshot ${name} of ${volume.context.metadata.name} holds what ${before.name} did: nothing changed`);
    }
  }
  return wrong;
}

const isSame = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean =>
  one.size === other.size && [...one].every(([path, text]) => other.get(path) === text);
