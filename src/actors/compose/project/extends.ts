/**
 * `extends` of a service: what another service says, of this file or of another one, and over it what it says itself.
 * The other may extend a third; a circle is refused. What they refer to (volumes, other services) does not come along, as
 * the specification has it: the app declares it itself. Relative paths count from the file in which they stand.
 */
import { keysAt } from '../keys.ts';
import { quoted } from '../locate.ts';
import type { Place, Reading } from '../reading.ts';
import { nearest } from '../suggest.ts';
import { maxValues, type Entry, type MapNode, type Node } from '../tree.ts';
import { isEmpty, pathTo, textAt, wrongType, type KeyedPlace } from '../values.ts';
import type { ComposeFile, Project } from './load.ts';
import { mapOf, mergeMaps, plain } from './merge.ts';
import { folderOf } from './paths.ts';
import { serviceRule } from './rules.ts';

export const extendsKeys = { of: 'extends', read: ['service', 'file'], mayBeEmpty: [] } as const;

/** Services that extend one another in a row. */
const maxChain = 50;

/** @returns the file with all of its services as they are with what they extend */
export function withExtends(project: Project, file: ComposeFile): MapNode {
  const services = file.root.entries.get('services');
  if (services?.value.kind !== 'map') return file.root;
  const resolved = new Map<string, Entry>();
  const { tags } = project.reading.parsing;
  for (const [name, entry] of services.value.entries) {
    const value = tags.get(entry.value) === 'reset' ? undefined : resolveService(project, file, name);
    resolved.set(name, value === undefined || value === entry.value ? entry : { ...entry, value });
  }
  const entries = new Map(file.root.entries);
  entries.set('services', { ...services, value: mapOf(services.value, resolved) });
  return mapOf(file.root, entries);
}

interface Named {
  readonly file: ComposeFile;
  readonly name: string;
}
interface Link extends Named {
  readonly node: MapNode;
}

/**
 * Down the chain to the service that extends nothing, or that is known already, and back up. Where something is wrong in
 * it, the services above keep their `extends`: what they lack nobody knows.
 */
function resolveService(project: Project, file: ComposeFile, name: string): Node | undefined {
  const chain: Link[] = [];
  let next: Named | undefined = { file, name };
  let base: Node | undefined;
  while (next) {
    const node: Node | undefined = next.file.resolved.get(next.name) ?? serviceOf(next.file, next.name);
    const placed: KeyedPlace | undefined =
      node?.kind === 'map' ? extendsOf(project.reading, node, next.name) : undefined;
    if (node?.kind !== 'map' || !placed || next.file.resolved.has(next.name)) {
      base = node;
      break;
    }
    const link: Link = { ...next, node };
    chain.push(link);
    next = chain.length > maxChain ? tooLong(project.reading, placed) : baseOf(project, link, placed, chain);
  }
  for (const link of chain.toReversed()) {
    base = base === undefined || isUnresolved(project.reading, base) ? link.node : over(project, base, link);
    link.file.resolved.set(link.name, base);
  }
  return base;
}

const serviceOf = ({ root }: ComposeFile, name: string): Node | undefined => {
  const services = root.entries.get('services')?.value;
  return services?.kind === 'map' ? services.entries.get(name)?.value : undefined;
};

const isUnresolved = (reading: Reading, node: Node): boolean =>
  node.kind === 'map' && extendsOf(reading, node, '') !== undefined;

function extendsOf(reading: Reading, node: MapNode, name: string): KeyedPlace | undefined {
  const entry = node.entries.get('extends');
  if (!entry || reading.parsing.tags.get(entry.value) === 'reset') return undefined;
  const path = `${pathTo('services', name)}.extends`;
  return { key: 'extends', keyAt: entry.keyAt, path, at: entry.value.at, node: entry.value };
}

function over({ reading }: Project, base: Node, { node, name }: Link): Node {
  const own = mapOf(node, new Map([...node.entries].filter(([key]) => key !== 'extends')));
  if (base.kind !== 'map') return own;
  const { parsing } = reading;
  const hadRoom = parsing.values <= maxValues;
  parsing.values += base.size;
  if (parsing.values > maxValues) {
    const entry = node.entries.get('extends') as Entry;
    if (hadRoom)
      reading.report(
        { path: `${pathTo('services', name)}.extends`, at: entry.keyAt },
        `With what services extend written out the app has more than ${maxValues} values.`,
        'Extend smaller services.',
      );
    return node;
  }
  const merged = mergeMaps(reading, pathTo('services', name), plain(reading, base) as MapNode, own, serviceRule);
  // It is where it was written, not where what it extends is.
  return { ...merged, at: node.at, end: node.end };
}

function tooLong(reading: Reading, place: Place): undefined {
  reading.report(place, `More than ${maxChain} services extend one another in a row.`, 'Extend the last one directly.');
}

/** What is extended, if it is there and no part of the chain. */
function baseOf(project: Project, { file }: Link, place: KeyedPlace, chain: readonly Link[]): Named | undefined {
  const { reading } = project;
  const named = namedAt(project, file, place);
  if (!named) return undefined;
  const { file: other, name, at } = named;
  const from = chain.findIndex((link) => link.file === other && link.name === name);
  if (from !== -1) {
    const names = chain.slice(from).map((link) => nameOf(link, file));
    return reading.report(
      at,
      `These services extend each other: ${shown([...names, nameOf(named, file)])}.`,
      'Remove one of these `extends`.',
    );
  }
  if (serviceOf(other, name)) return { file: other, name };
  return reading.report(at, `${quoted(name)} is not a service of ${quoted(other.source.fileName)}.`, () => {
    const services = other.root.entries.get('services')?.value;
    const names = services?.kind === 'map' ? [...services.entries.keys()] : [];
    const meant = nearest(name, names);
    if (meant !== undefined) return `Did you mean ${quoted(meant)}?`;
    return names.length === 0 ? 'The file has no services.' : `It has ${names.slice(0, 20).join(', ')}.`;
  });
}

const nameOf = ({ file, name }: Named, here: ComposeFile): string =>
  file === here ? name : `${name} (${file.source.fileName})`;

const mostShown = 8;
const shown = (names: readonly string[]): string =>
  (names.length > mostShown ? [...names.slice(0, mostShown - 1), '…', names.at(-1)] : names).join(' → ');

function namedAt(project: Project, file: ComposeFile, place: KeyedPlace): (Named & { readonly at: Place }) | undefined {
  const { reading } = project;
  if (place.node.kind !== 'map') {
    if (isEmpty(place) || place.node.kind === 'list')
      return wrongType(reading, place, 'the name of a service, or a map', 'Write extends: {service: NAME}.');
    const name = textAt(reading, place);
    return name === undefined ? undefined : { file, name, at: place };
  }
  const keys = keysAt(reading, place, extendsKeys);
  const [serviceAt, fileAt] = [keys?.get('service'), keys?.get('file')];
  if (keys && !serviceAt)
    return reading.report(place, 'This `extends` names no service.', 'Write extends: {service: NAME}.');
  const name = serviceAt && textAt(reading, serviceAt, 'the name of a service');
  if (!fileAt) return serviceAt && name !== undefined ? { file, name, at: serviceAt } : undefined;
  const text = textAt(reading, fileAt, 'the path of a file');
  const path = text === undefined ? undefined : project.pathAt(fileAt, text);
  const other = path === undefined ? undefined : project.load(fileAt, path, folderOf(path), file.source.scope);
  return other && serviceAt && name !== undefined ? { file: other, name, at: serviceAt } : undefined;
}
