/** Once the faults have ended the lab comes to rest, and what it says is so. */
import { workOf } from '#actors/registry.ts';
import type { LabView } from '#actors/actor.ts';
import { kinds, idOf, type StreamId } from '#events/envelope.ts';
import { label } from '#io/agent/containers/labels.ts';
import type { World } from '#io/world/world.ts';

/** States to stay in. */
const resting = {
  app: new Set(['stopped', 'running', 'degraded', 'failed']),
  volume: new Set(['ready', 'discarded', 'failed']),
  pool: new Set(['online', 'failed']),
};

const isStopped = (app: StreamId<'app'> | null, lab: LabView): boolean =>
  app !== null && lab.get(app)?.state === 'stopped';

export function checkRest(world: World, lab: LabView): string[] {
  const wrong: string[] = [];
  for (const app of lab.list('app')) {
    const { name } = app.context.metadata;
    // Nothing fits, or a volume failed: it says so, and waits for a person.
    const waits = app.context.delay !== null;
    if (!resting.app.has(app.state) && !waits) wrong.push(`app ${name} is still ${app.state}`);
    const running = world.machines.flatMap(({ docker }) =>
      docker.running().filter(({ labels }) => labels[label.app] === idOf(app.stream)),
    );
    if (app.state === 'stopped' && running.length > 0)
      wrong.push(`app ${name} is stopped, and ${running[0]?.name} runs`);
    if (app.state !== 'running') continue;
    for (const [service, { restart }] of Object.entries(app.context.spec.services)) {
      const isThere = running.some(({ labels }) => labels[label.service] === service);
      const hasEnded = lab
        .referrers(app.stream, 'instance')
        .some(({ context }) => context.services[service]?.state === 'completed');
      const mayEnd = restart.condition === 'no' || (restart.condition === 'on-failure' && hasEnded);
      if (!isThere && !mayEnd) wrong.push(`app ${name} is running, and its service ${service} is not`);
    }
  }
  for (const kind of kinds) {
    for (const actor of lab.list(kind)) {
      if (actor.quarantined !== null) wrong.push(`${actor.stream} is quarantined: ${actor.quarantined}`);
      const order = workOf(actor, lab);
      if (order && order.work !== 'watch-instance')
        wrong.push(`${order.work} of ${actor.context.metadata.name} is still asked for`);
    }
  }
  for (const { stream, state } of lab.list('transfer')) wrong.push(`${stream} is still ${state}`);
  for (const volume of lab.list('volume')) {
    const { delay, metadata, app } = volume.context;
    // That of an app waits with it, or until somebody starts it.
    const waits = delay !== null || (app !== null && lab.get(app)?.context.delay !== null) || isStopped(app, lab);
    if (!resting.volume.has(volume.state) && !(volume.state === 'unplaced' && waits))
      wrong.push(`volume ${metadata.name} is still ${volume.state}`);
  }
  // All disks are back, and all that pools were asked for has ended.
  for (const { stream, state } of lab.list('pool'))
    if (!resting.pool.has(state)) wrong.push(`${stream} is still ${state}`);
  // One that nobody takes has no order: whoever led it is gone.
  for (const { state, stream, context } of lab.list('snapshot'))
    if (state === 'taking') wrong.push(`snapshot ${context.metadata.name} (${stream}) is still being taken`);
  for (const operation of lab.list('operation')) {
    const target = lab.get(operation.context.target);
    const waits = target && 'delay' in target.context && target.context.delay !== null;
    const drains = target?.state === 'draining';
    if (!waits && !drains)
      wrong.push(
        `operation ${operation.context.command} of ${operation.context.targetName} never ends (target ${target?.state})`,
      );
  }
  return wrong;
}
