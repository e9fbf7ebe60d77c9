/**
 * The rooms of the house, and which way imports may point:
 *
 *   events ← actors ← projections ← io        ui → the pure rooms and io/contract
 *
 * The pure rooms (events, actors, projections, io/contract) may use a handful of packages that compute and nothing
 * else: nothing of Node, nothing that touches the world. What runs in a browser uses nothing of Node either. Nothing
 * under `src` imports tests. Type imports count: a room that knows the types of another one depends on it.
 */
import { isBuiltin } from 'node:module';
import { dirname, relative, resolve } from 'node:path';

const pure = ['events', 'actors', 'projections'];
const pack = ['zod', 'xstate', '@noble/hashes', 'yaml', 'dotenv', 'cron-parser'];

/** Packages: `computing` = those of the pure rooms, `browser` = any but Node's own, `any`. The first room that fits counts. */
const law = [
  { room: 'events', reads: ['events'], packages: 'computing' },
  { room: 'actors', reads: ['events', 'actors'], packages: 'computing' },
  { room: 'projections', reads: pure, packages: 'computing' },
  { room: 'io/contract', reads: [...pure, 'io/contract'], packages: 'computing' },
  { room: 'io', reads: [...pure, 'io', 'package.json'], packages: 'any' },
  { room: 'ui/client', reads: [...pure, 'io/contract', 'ui/client'], packages: 'browser' },
  { room: 'ui/web', reads: [...pure, 'io/contract', 'ui/client', 'ui/web'], packages: 'browser' },
  { room: 'ui', reads: [...pure, 'io/contract', 'ui', 'package.json'], packages: 'any' },
];

export const rooms = {
  meta: {
    type: 'problem',
    messages: {
      direction: 'src/{{room}} imports from {{reads}} only, not from {{target}}: give it what it needs from outside.',
      computing:
        'src/{{room}} is pure: of packages it imports {{pack}} only, not {{target}}. The world is met in src/io.',
      browser: 'src/{{room}} runs in a browser, which does not have {{target}}.',
      later: 'src/{{room}} is pure: it imports everything at once, nothing later.',
    },
  },
  create(context) {
    const room = roomOf(context.filename);
    if (!room) return {};
    const visit = (node) => {
      const target = node?.value;
      if (typeof target !== 'string') return;
      const broken = verdict(room, target, context.filename);
      if (broken) {
        const data = { room: room.room, reads: room.reads.join(', '), pack: pack.join(', '), target };
        context.report({ node, messageId: broken, data });
      }
    };
    return {
      ImportDeclaration: (node) => visit(node.source),
      ExportNamedDeclaration: (node) => visit(node.source),
      ExportAllDeclaration: (node) => visit(node.source),
      TSImportType: (node) => visit(node.source),
      ImportExpression(node) {
        if (room.packages === 'computing') context.report({ node, messageId: 'later', data: { room: room.room } });
        visit(node.source);
      },
    };
  },
};

/** @returns the id of the message that says what is wrong, or undefined when the import may be */
function verdict(room, target, filename) {
  const place = placeOf(target, filename);
  if (place !== undefined) return room.reads.some((read) => within(place, read)) ? undefined : 'direction';
  if (room.packages === 'computing') return pack.some((name) => within(target, name)) ? undefined : 'computing';
  return room.packages === 'browser' && isBuiltin(target) ? 'browser' : undefined;
}

/** Where an import leads: from `src` on, else from the root on; undefined when it is a package. */
function placeOf(target, filename) {
  if (target.startsWith('#')) return target.slice(1);
  if (!target.startsWith('.')) return undefined;
  const root = filename.slice(0, filename.lastIndexOf('/src/'));
  const place = relative(root, resolve(dirname(filename), target));
  return place.startsWith('src/') ? place.slice('src/'.length) : place;
}

function roomOf(filename) {
  const at = filename.lastIndexOf('/src/');
  return at < 0 ? undefined : law.find(({ room }) => within(filename.slice(at + '/src/'.length), room));
}

const within = (path, folder) => path === folder || path.startsWith(`${folder}/`);
