/**
 * Where an app would go next: to a node that has replicas of all its volumes; an app without volumes, to the node that
 * placement would choose if the present one were not there.
 */
import type { StreamId } from '#events/envelope.ts';
import type { ActorState, LabView } from '../actor.ts';
import { liveInstance } from '../app/actor.ts';
import { portsOf } from '../app/ports.ts';
import { choose } from './choose.ts';
import { tiesOf } from './external.ts';

const most = 16;

/** Sorted; without the node on which it is. */
export function standbyNodes(app: ActorState<'app'>, lab: LabView): readonly StreamId<'node'>[] {
  const home = liveInstance(app.stream, lab)?.context.node;
  const volumes = Object.values(app.context.volumes);
  if (volumes.length > 0) {
    const [first = new Set<StreamId<'node'>>(), ...others] = volumes.map((volume) => replicatedTo(volume, lab));
    return [...first]
      .filter((node) => node !== home && others.every((nodes) => nodes.has(node)))
      .toSorted()
      .slice(0, most);
  }
  const { candidates } = choose(lab, {
    needs: [],
    only: [],
    ties: tiesOf(app, lab),
    publishes: { app: app.stream, ports: portsOf(app.context.spec) },
  });
  const fitting = candidates.filter(({ node, refused }) => refused === undefined && node !== home);
  // One that was chosen before stays: its images are there.
  const next = fitting.find(({ node }) => app.context.standby.includes(node)) ?? fitting[0];
  return next ? [next.node] : [];
}

const replicatedTo = (volume: StreamId<'volume'>, lab: LabView): ReadonlySet<StreamId<'node'>> =>
  new Set(
    lab
      .referrers(volume, 'replica')
      .filter(({ state }) => !['failed', 'orphaned', 'removing'].includes(state))
      .map(({ context }) => context.node),
  );
