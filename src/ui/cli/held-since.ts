/**
 * Since when an app is as it is. It stays `running` while one of its services ends and is started again: whoever looks
 * wants to see that, so that the last change of a service counts, not only that of the app.
 */
import type { StreamId } from '#events/envelope.ts';
import type { AppRow } from '#projections/views/apps.ts';
import type { Cli, Lab } from './cli.ts';

/** Changes are rare among what happens to an instance, but not alone. */
const newest = 20;
const atOnce = 8;

/** @returns by id of the app, milliseconds since 1970. Only those with a service that was started again are asked about */
export async function heldSince(cli: Cli, lab: Lab, apps: readonly AppRow[]): Promise<ReadonlyMap<StreamId, number>> {
  const since = new Map<StreamId, number>();
  const left = apps.filter(({ services }) => Object.values(services).some(({ restarts }) => restarts > 0));
  const work = async (): Promise<void> => {
    for (let app = left.pop(); app; app = left.pop()) since.set(app.id, await lastChange(cli, lab, app));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return since;
}

async function lastChange(cli: Cli, lab: Lab, { instance, since }: AppRow): Promise<number> {
  if (!instance) return since;
  const options = { limit: newest, signal: cli.world.interrupt };
  // A figure of a table: without it the table is still worth reading.
  const page = await lab.rest.history(instance.id, options).catch(() => undefined);
  const change = page?.items.find(({ type }) => type === 'instance.service-changed');
  return Math.max(since, change?.at ?? since);
}
