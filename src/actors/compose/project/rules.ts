/** Which keys of a compose file are merged otherwise than in general, and how. */
import { shortRule as portRule } from '../ports.ts';
import type { Reading } from '../reading.ts';
import { unreadServiceKeys } from '../service-keys.ts';
import type { Entry, MapNode, Node, ScalarNode } from '../tree.ts';
import { inGeneral, isNothing, listOf, mapOf, mergeMaps, type Pair, type Rule } from './merge.ts';

/** The later one alone: `command`. */
const replaced: Rule = { merge: (_, { over }) => over };

/** One value, or a list of them: `dns`. */
const oneOrList: Rule = {
  merge: (_, { base, over }) => listOf(base, [...itemsOf(base), ...itemsOf(over)]),
};
const itemsOf = (node: Node): readonly Node[] => (node.kind === 'list' ? node.items : isNothing(node) ? [] : [node]);

/** Forms that say the same in different ways: merged where both are alike, else the later one alone. */
const alikeOrReplaced: Rule = {
  merge: (reading, pair, rule) => (pair.base.kind === pair.over.kind ? inGeneral(reading, pair, rule) : pair.over),
};

/** A list whose entries have something that only one of them can have: the later one takes the place of the earlier. */
const unique = (keyOf: (reading: Reading, item: Node) => string | undefined): Rule => ({
  merge(reading, pair, rule) {
    const { base, over } = pair;
    if (base.kind !== 'list' || over.kind !== 'list') return inGeneral(reading, pair, rule);
    const items = [...base.items];
    // Two of one file that are the same stay two: whoever reads them says so.
    const places = new Map(base.items.map((item, n) => [keyOf(reading, item), n]));
    places.delete(undefined);
    for (const item of over.items) {
      const key = keyOf(reading, item);
      const place = places.get(key);
      if (place === undefined) items.push(item);
      else items[place] = item;
      places.delete(key);
    }
    return listOf(base, items);
  },
});

function textOf(reading: Reading, node: Node | undefined): string | undefined {
  return node?.kind === 'scalar' && !isNothing(node) ? reading.peek(node) : undefined;
}
const partOf = (reading: Reading, node: Node, key: string): string | undefined =>
  node.kind === 'map' ? textOf(reading, node.entries.get(key)?.value) : undefined;

/** Address, port of the node, port of the container, protocol. */
function portKey(reading: Reading, item: Node): string | undefined {
  const keyOf = (host: string | undefined, published: string | undefined, target: string, protocol = 'tcp'): string =>
    [host === '0.0.0.0' ? '' : (host ?? ''), published ?? '', target, protocol.toLowerCase()].join('|');
  if (item.kind === 'map') {
    const [host, published, protocol] = ['host_ip', 'published', 'protocol'].map((key) => partOf(reading, item, key));
    const target = partOf(reading, item, 'target');
    return target === undefined ? undefined : keyOf(host, published, target, protocol);
  }
  const text = textOf(reading, item) ?? '';
  const [, ipv6, ipv4, published, target, protocol] = portRule.exec(text) ?? [];
  return target === undefined ? text : keyOf(ipv6 ?? ipv4, published, target, protocol);
}

/** Where it is in the container. */
function mountKey(reading: Reading, item: Node): string | undefined {
  const [first, second = first] = (textOf(reading, item) ?? '').split(':');
  const target = item.kind === 'map' ? partOf(reading, item, 'target') : second;
  // As the reader has it: `/data/` is `/data`.
  return target?.startsWith('/') ? `/${target.split('/').filter(isPart).join('/')}` : undefined;
}

const isPart = (part: string): boolean => part !== '' && part !== '.';

const fileKey =
  (folder: string) =>
  (reading: Reading, item: Node): string | undefined => {
    const target = item.kind === 'map' ? partOf(reading, item, 'target') : undefined;
    const name = target ?? partOf(reading, item, 'source') ?? textOf(reading, item);
    return name === undefined ? undefined : name.startsWith('/') ? name : `${folder}/${name}`;
  };

/** Where it is in the container: `/dev/a:/dev/b:rw`, `/dev/a:rw`. */
function deviceKey(reading: Reading, item: Node): string | undefined {
  if (item.kind === 'map') return partOf(reading, item, 'target') ?? partOf(reading, item, 'source');
  const [path, target] = (textOf(reading, item) ?? '').split(':');
  return target?.startsWith('/') ? target : path;
}

/** A map, or a list of `key=value`: `environment`. In a list the reader itself takes the last of each key. */
const keyed: Rule = {
  merge(reading, { path, base, over }, rule) {
    const [map, list] = base.kind === 'map' ? [base, over] : [over, base];
    if (map.kind !== 'map' || list.kind !== 'list') return inGeneral(reading, { path, base, over }, rule);
    const other = mapOf(list, keysOfList(reading, path, list.items, pairOf));
    return base === map ? mergeMaps(reading, path, map, other, {}) : mergeMaps(reading, path, other, map, {});
  },
};

/** What an item becomes in a map, of which it keeps the place. */
type Keyed = readonly [key: string, value: Node] | undefined;

function pairOf(_: Reading, item: ScalarNode): Keyed {
  const equals = item.text.indexOf('=');
  if (equals === -1) return [item.text, { ...item, value: null, text: '' }];
  const text = item.text.slice(equals + 1);
  return [item.text.slice(0, equals), { ...item, value: text, text }];
}

function keysOfList(
  reading: Reading,
  path: string,
  items: readonly Node[],
  keyedOf: (reading: Reading, item: ScalarNode) => Keyed,
): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const [n, item] of items.entries()) {
    const found = item.kind === 'scalar' && !isNothing(item) ? keyedOf(reading, item) : undefined;
    const at = { path: `${path}[${n}]`, at: item.at };
    if (found === undefined)
      reading.report(at, 'This cannot be merged with the map of another file.', 'Write `key: value` on a line.');
    else if (found[0].includes('$') || found[0] === '__proto__')
      reading.report(at, 'A variable in a key cannot be merged with the map of another file.', 'Write the key itself.');
    else entries.set(found[0], { keyAt: item.at, value: found[1] });
  }
  return entries;
}

/** A host may have several addresses, so nothing is replaced. */
const extraHosts: Rule = {
  merge(reading, pair, rule) {
    const [base, over] = [hostsOf(pair.base), hostsOf(pair.over)];
    if (!base || !over || resets(reading, pair.over)) return inGeneral(reading, pair, rule);
    const known = new Set(base.map((item) => textOf(reading, item)));
    return listOf(pair.base, [...base, ...over.filter((item) => !known.has(textOf(reading, item)))]);
  },
};

const resets = (reading: Reading, node: Node): boolean =>
  node.kind === 'map' && [...node.entries.values()].some(({ value }) => reading.parsing.tags.has(value));

/** A name of a map is never a variable, in a list it would be. */
function hostsOf(node: Node): readonly Node[] | undefined {
  if (node.kind !== 'map') return node.kind === 'list' ? node.items : undefined;
  return [...node.entries].map(([key, { value }]) => {
    if (value.kind !== 'scalar') return value;
    const text = `${key.replaceAll('$', '$$$$')}=${value.text}`;
    return { ...value, value: text, text };
  });
}

/** A map, or a list of its keys, of which each is there only once: what is meant by a key of a list, `valueOf` says. */
const namesOrMap = (valueOf: (item: ScalarNode) => Node): Rule => ({
  merge(reading, pair, rule) {
    const { path, base, over } = pair;
    if (base.kind === 'list' && over.kind === 'list') {
      const names = new Set(over.items.map((item) => textOf(reading, item)));
      return listOf(base, [...base.items.filter((item) => !names.has(textOf(reading, item))), ...over.items]);
    }
    const mapFrom = (node: Node): MapNode | undefined => {
      if (node.kind !== 'list') return node.kind === 'map' ? node : undefined;
      return mapOf(
        node,
        keysOfList(reading, path, node.items, (_, item) => [item.text, valueOf(item)]),
      );
    };
    const [first, second] = [mapFrom(base), mapFrom(over)];
    return first && second ? mergeMaps(reading, path, first, second, rule) : inGeneral(reading, pair, rule);
  },
});

/** A list says that they have been started. */
const dependsOn = namesOrMap((item) => {
  const condition: ScalarNode = { ...item, value: 'service_started', text: 'service_started' };
  return mapOf(item, new Map([['condition', { keyAt: item.at, value: condition }]]));
});
const networks = namesOrMap((item) => ({ ...item, value: null, text: '' }));

/** Options belong to a driver: those of another one mean nothing. */
const logging: Rule = {
  merge(reading: Reading, pair: Pair, rule: Rule) {
    const [before, after] = [partOf(reading, pair.base, 'driver'), partOf(reading, pair.over, 'driver')];
    const isOther = before !== undefined && after !== undefined && before !== after;
    return isOther ? pair.over : inGeneral(reading, pair, rule);
  },
};

/** `x-floatlab`, at the top and of a volume. */
export const extensionRule: Rule = {
  keys: { hooks: { each: replaced }, snapshot: { each: alikeOrReplaced } },
  each: alikeOrReplaced,
};

/** For a service over a service, of an override or of `extends`. */
export const serviceRule: Rule = {
  keys: {
    ...Object.fromEntries(Object.keys(unreadServiceKeys).map((key) => [key, replaced])),
    extends: replaced,
    command: replaced,
    entrypoint: replaced,
    healthcheck: { keys: { test: replaced } },
    environment: keyed,
    env_file: oneOrList,
    labels: keyed,
    label_file: oneOrList,
    annotations: keyed,
    sysctls: keyed,
    storage_opt: keyed,
    extra_hosts: extraHosts,
    depends_on: dependsOn,
    networks,
    ports: unique(portKey),
    volumes: unique(mountKey),
    configs: unique(fileKey('')),
    secrets: unique(fileKey('/run/secrets')),
    devices: unique(deviceKey),
    dns: oneOrList,
    dns_search: oneOrList,
    tmpfs: oneOrList,
    gpus: alikeOrReplaced,
    ulimits: { each: alikeOrReplaced },
    logging,
    deploy: { keys: { labels: keyed } },
  },
};

const labeled: Rule = { each: { keys: { labels: keyed, 'x-floatlab': extensionRule } } };

/** For a file over a file. */
export const fileRule: Rule = {
  keys: {
    services: { each: serviceRule },
    volumes: labeled,
    configs: labeled,
    secrets: labeled,
    networks: {
      each: {
        keys: { labels: keyed, ipam: { keys: { config: unique((reading, item) => partOf(reading, item, 'subnet')) } } },
      },
    },
    models: replaced,
    'x-floatlab': extensionRule,
  },
};
