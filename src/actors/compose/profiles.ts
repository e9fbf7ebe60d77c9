/**
 * `profiles`: services that are there only when asked for. Which are, the `.env` file says, as with Compose:
 * `COMPOSE_PROFILES=debug,metrics`, or `*` for all. A service without profiles is always there.
 */
import { listAt, type Form } from './container/lists.ts';
import { quoted } from './locate.ts';
import type { Place, Reading } from './reading.ts';
import type { PlacedDependency } from './depends-on.ts';

export const profilesVariable = 'COMPOSE_PROFILES';

const profile: Form = {
  what: 'the name of a profile',
  hint: 'Use letters, digits, ".", "_" and "-".',
  fits: (text) => /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text),
};

export const profilesAt = (reading: Reading, place: Place): readonly string[] =>
  listAt(reading, place, profile, 'list');

interface Profiled {
  readonly name: string;
  readonly profiles: readonly string[];
  readonly dependencies: readonly PlacedDependency[];
}

/**
 * Those that are asked for, and for the others a note. What is there may wait for one that is not only where it is not
 * required, and then does not wait.
 */
export function chosen<T extends Profiled>(reading: Reading, services: readonly T[]): readonly T[] {
  const asked = (reading.main.scope.variables.get(profilesVariable) ?? '').split(',').map((name) => name.trim());
  const isThere = ({ profiles }: T): boolean =>
    profiles.length === 0 || asked.includes('*') || profiles.some((name) => asked.includes(name));
  const missing = new Map(services.filter((one) => !isThere(one)).map((one) => [one.name, one.profiles]));
  return services.filter(isThere).map((service) => {
    const left = service.dependencies.filter(({ dependency, place }) => {
      const profiles = missing.get(dependency.service);
      if (profiles && dependency.required) {
        reading.report(
          place,
          `${quoted(dependency.service)} is there only with the profile ${profiles.join(' or ')}.`,
          `Write ${profilesVariable}=${profiles[0]} into the file .env beside the compose file, or required: false.`,
        );
      }
      return !profiles;
    });
    return left.length === service.dependencies.length ? service : { ...service, dependencies: left };
  });
}

/** @param all in the order of the file */
export function noteLeftOut(
  reading: Reading,
  all: readonly (Profiled & { readonly place: Pick<Place, 'path' | 'at'> })[],
  there: readonly Profiled[],
): void {
  const names = new Set(there.map(({ name }) => name));
  for (const { name, profiles, place } of all)
    if (!names.has(name))
      reading.note(
        place,
        `${quoted(name)} is left out: nobody asks for its profile ${profiles.join(' or ')}.`,
        `Write ${profilesVariable}=${profiles[0]} into the file .env beside the compose file.`,
      );
}
