/** One row a registry that the lab has a login of. The password is nowhere in it, and neither is where it lies. */
import type { ActorState } from '#actors/actor.ts';
import type { RegistryAccess } from '#actors/cluster/machine.ts';
import { defineProjection } from '../projection.ts';

export interface RegistryRow {
  /** Its host, with the port where it has one of its own. */
  readonly id: string;
  readonly username: string;
  /** When the login was given last. */
  readonly since: number;
}

export const registriesView = defineProjection<RegistryRow>({
  name: 'registries',
  version: 1,
  keeps: 'table',
  apply: (rows, { before, after }) => {
    if (after?.kind !== 'cluster') return;
    const [known, registries] = [registriesOf(before), registriesOf(after)];
    for (const [id, access] of Object.entries(registries)) {
      if (known[id] !== access) rows.put(id, { id, username: access.username, since: access.since });
    }
    for (const id of Object.keys(known)) if (!Object.hasOwn(registries, id)) rows.delete(id);
  },
  scope: () => ({ verb: 'read', kind: 'cluster' }),
});

const registriesOf = (actor: ActorState | undefined): Readonly<Record<string, RegistryAccess>> =>
  actor === undefined ? {} : (actor as ActorState<'cluster'>).context.registries;
