/** `depends_on`: which services come first, and what they must have reached. A circle could never start. */
import type { ServiceSpec } from '#events/app.ts';
import { keysAt } from './keys.ts';
import { quoted } from './locate.ts';
import type { Place, Reading } from './reading.ts';
import { nearest } from './suggest.ts';
import { booleanAt, entriesOf, isEmpty, itemsAt, textAt, written, wrongType } from './values.ts';

type Dependency = ServiceSpec['dependsOn'][number];

export interface PlacedDependency {
  readonly dependency: Dependency;
  readonly place: Pick<Place, 'path' | 'at'>;
}

export function dependsOnAt(
  reading: Reading,
  place: Place,
  self: string,
  services: ReadonlySet<string>,
): readonly PlacedDependency[] {
  if (isEmpty(place)) return [];
  const found = new Map<string, PlacedDependency>();
  const add = (
    at: Pick<Place, 'path' | 'at'>,
    shown: string,
    { service, condition, required }: { [K in keyof Dependency]: Dependency[K] | undefined },
  ): void => {
    if (service === undefined || condition === undefined || required === undefined) return;
    if (service === self) reading.report(at, `Service ${shown} depends on itself.`, 'Remove it from this list.');
    else if (found.has(service)) reading.report(at, `${shown} occurs twice in this list.`, 'Remove one of the two.');
    else if (!services.has(service) && !required) {
      reading.note(
        at,
        `${shown} is not a service of this file, and not required.`,
        'Add it, or remove it from this list.',
      );
      found.set(service, { dependency: { service, condition, required }, place: at });
    } else if (!services.has(service)) {
      reading.report(at, `${shown} is not a service of this file.`, () => {
        const meant = nearest(service, services);
        return meant === undefined ? 'Add the service, or remove it from this list.' : `Did you mean ${quoted(meant)}?`;
      });
    } else found.set(service, { dependency: { service, condition, required }, place: at });
  };
  if (place.node.kind === 'list') {
    for (const item of itemsAt(reading, place) ?? []) {
      const service = textAt(reading, item, 'the name of a service');
      add(item, written(item), { service, condition: 'service_started', required: true });
    }
  } else if (place.node.kind === 'map') {
    for (const entry of entriesOf(place.path, place.node)) {
      const at = { path: entry.path, at: entry.keyAt };
      add(at, quoted(entry.key), { service: entry.key, ...readLongForm(reading, entry) });
    }
  } else wrongType(reading, place, 'a list or a map', 'Write for example depends_on: [db].');
  return [...found.values()];
}

export const dependencyKeys = {
  of: 'a dependency',
  read: ['condition', 'required'],
  unread: { restart: 'Remove it: restart the app as a whole instead.' },
  extensions: true,
} as const;

const conditions = ['service_started', 'service_healthy', 'service_completed_successfully'] as const;

function readLongForm(reading: Reading, place: Place): { [K in 'condition' | 'required']: Dependency[K] | undefined } {
  const nothing = { condition: undefined, required: undefined };
  if (isEmpty(place)) return { condition: 'service_started', required: true };
  const keys = keysAt(reading, place, dependencyKeys);
  if (!keys) return nothing;
  const requiredAt = keys.get('required');
  const required = requiredAt ? booleanAt(reading, requiredAt) : true;
  const conditionAt = keys.get('condition');
  if (!conditionAt) return { condition: 'service_started', required };
  const text = textAt(reading, conditionAt);
  if (text === undefined) return nothing;
  const condition = conditions.find((known) => known === text);
  if (!condition) {
    reading.report(conditionAt, `${written(conditionAt)} is not a condition.`, `Use one of: ${conditions.join(', ')}.`);
  }
  return { condition, required };
}

const shownInChain = 8;
const maxCircles = 10;

/** Reports each circle once, as a chain: `a → b → a`. Walks without recursion. */
export function checkCircles(reading: Reading, dependencies: ReadonlyMap<string, readonly PlacedDependency[]>): void {
  const done = new Set<string>();
  let circles = 0;
  for (const start of dependencies.keys()) {
    const trail: { readonly name: string; next: number }[] = done.has(start) ? [] : [{ name: start, next: 0 }];
    const onTrail = new Map(trail.map(({ name }) => [name, 0]));
    for (let top = trail.at(-1); top && circles < maxCircles; top = trail.at(-1)) {
      const edge = dependencies.get(top.name)?.[top.next++];
      if (!edge) {
        done.add(top.name);
        onTrail.delete(top.name);
        trail.pop();
        continue;
      }
      const { service } = edge.dependency;
      const from = onTrail.get(service);
      if (from !== undefined) {
        const names = trail.slice(from).map(({ name }) => name);
        const shown = names.length > shownInChain ? [...names.slice(0, shownInChain), '…'] : names;
        reading.report(
          edge.place,
          `These services wait for each other: ${[...shown, service].join(' → ')}.`,
          'Remove one of these dependencies.',
        );
        circles++;
      } else if (!done.has(service)) {
        onTrail.set(service, trail.length);
        trail.push({ name: service, next: 0 });
      }
    }
  }
}
