/** `volumes_from`: what another service of the file mounts, mounted here at the same places. */
import type { Mount } from '#events/app.ts';
import type { Place, Reading } from './reading.ts';
import type { ReadService } from './service.ts';
import { nearest } from './suggest.ts';
import { isEmpty, itemsAt, stringAt, written } from './values.ts';

export interface VolumesFrom {
  readonly service: string;
  readonly readOnly: boolean;
  readonly place: Pick<Place, 'path' | 'at'>;
}

export function volumesFromAt(
  reading: Reading,
  place: Place,
  self: string,
  services: ReadonlySet<string>,
): readonly VolumesFrom[] {
  if (isEmpty(place)) return [];
  return (itemsAt(reading, place) ?? []).flatMap((item) => {
    const text = stringAt(reading, item, 'the name of a service');
    if (text === undefined) return [];
    const [service = '', access, ...more] = text.split(':');
    if (service === 'container') {
      reading.report(
        item,
        'A container by its name is one of a single machine, and of nobody whom the lab knows.',
        'Name a service of this file, or share a volume.',
      );
    } else if (more.length > 0 || !['ro', 'rw', undefined].includes(access)) {
      reading.report(
        item,
        `${written(item)} is not a service with "ro" or "rw" behind it.`,
        'Write for example "db:ro".',
      );
    } else if (service === self || !services.has(service)) {
      reading.report(item, `${written(item)} names no other service of this file.`, () => {
        const meant = nearest(
          service,
          [...services].filter((name) => name !== self),
        );
        return meant === undefined ? 'Mount the same named volume in both services.' : `Did you mean ${meant}?`;
      });
    } else return [{ service, readOnly: access === 'ro', place: item }];
    return [];
  });
}

/** What a service mounts itself goes before what it takes over. Whoever takes over comes later, so no circle is here. */
export function withVolumesFrom(services: readonly ReadService[]): readonly ReadService[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const done = new Map<string, readonly Mount[]>();
  const mountsOf = (name: string, above: ReadonlySet<string>): readonly Mount[] => {
    const service = byName.get(name);
    const known = done.get(name);
    if (known || !service || above.has(name)) return known ?? [];
    const mounts = [...service.mounts];
    for (const { service: other, readOnly } of service.volumesFrom)
      for (const mount of mountsOf(other, new Set([...above, name])))
        if (!mounts.some(({ target }) => target === mount.target))
          mounts.push(readOnly ? { ...mount, readOnly } : mount);
    done.set(name, mounts);
    return mounts;
  };
  return services.map((service) =>
    service.volumesFrom.length === 0 ? service : { ...service, mounts: mountsOf(service.name, new Set()) },
  );
}
