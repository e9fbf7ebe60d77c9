/** Once the faults have ended the lab comes to rest, and what it says is so. */
import { workOf } from '#actors/registry.ts';
import type { LabView } from '#actors/actor.ts';
import { kinds, idOf } from '#events/envelope.ts';
import { label } from '#io/agent/containers/labels.ts';
import type { World } from '#io/world/world.ts';

/** States that an app may stay in. */
const resting = new Set(['stopped', 'running', 'degraded', 'failed']);

export function checkRest(world: World, lab: LabView): string[] {
  const wrong: string[] = [];
  for (const app of lab.list('app')) {
    const { name } = app.context.metadata;
    // Nothing fits, or a volume failed: it says so, and waits for a person.
    const waits = app.context.delay !== null;
    if (!resting.has(app.state) && !waits) wrong.push(`app ${name} is still ${app.state}`);
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
