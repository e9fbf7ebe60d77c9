/**
 * The keys of `x-floatlab`, once: the reader asks here which there are, editors get their JSON schema from here, and
 * `docs/compose.md` its tables. A new key is one entry here and one reader.
 */
import { maxVolumeBytes, minVolumeBytes } from '#events/values/size.ts';
import { mostReplicas } from '#events/values/replication.ts';

/** Draft 7 of JSON Schema, as far as it is used here. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}
export interface ExtensionKey {
  /** Markdown on one line: for the table of the documentation, and for whoever points at the key in an editor. */
  readonly meaning: string;
  /** Of its value. Variables may stand in any text, so what a text has to look like is told by the reader alone. */
  readonly schema: JsonSchema;
  /** On a volume it takes the place of several at the top, not of one. */
  readonly several?: boolean;
}

const text = (...examples: string[]): JsonSchema => ({ type: 'string', examples });
/** Numbers are texts too, for whoever writes one without quotes. */
const textOrNumber = (...examples: string[]): JsonSchema => ({ type: ['string', 'integer'], examples });
const map = (keys: Readonly<Record<string, ExtensionKey>>, more: JsonSchema = {}): JsonSchema => ({
  type: 'object',
  properties: propertiesOf(keys),
  additionalProperties: false,
  ...more,
});

export const propertiesOf = (keys: Readonly<Record<string, ExtensionKey>>): Readonly<Record<string, JsonSchema>> =>
  Object.fromEntries(
    Object.entries(keys).map(([key, { meaning, schema }]) => [key, { description: meaning, ...schema }]),
  );

export const onChangeExtension = {
  settle: { meaning: 'how long nothing may have changed: `30s`, 1 s to 1 h', schema: text('30s', '2m') },
  'at-most-every': { meaning: 'not more often than this: `5m`, 10 s to 31 d', schema: text('5m', '1h') },
} as const satisfies Record<string, ExtensionKey>;

export const snapshotExtension = {
  schedule: {
    meaning: 'five fields of cron, in the time zone of the lab',
    schema: text('0 * * * *', '30 2 * * *'),
  },
  'on-change': {
    meaning: 'true, or when: a snapshot is taken once a volume has changed and settled',
    schema: { anyOf: [{ type: 'boolean' }, { type: 'string' }, map(onChangeExtension)] },
  },
} as const satisfies Record<string, ExtensionKey>;

export const hookExtension = {
  service: { meaning: 'a service of the file', schema: text('db') },
  command: {
    meaning: 'what is run in its container',
    schema: { type: ['array', 'string'], items: { type: ['string', 'number', 'boolean'] } },
  },
  timeout: { meaning: 'after which it is killed: `30s` when it is left out', schema: text('30s') },
} as const satisfies Record<string, ExtensionKey>;

const hook = map(hookExtension, { required: ['service', 'command'] });

export const hooksExtension = {
  before: { meaning: 'runs before the snapshot', schema: hook },
  after: { meaning: 'runs whenever `before` has begun', schema: hook },
  'on-failure': {
    meaning: '`skip` takes no snapshot when `before` fails, `take-anyway` takes it and says so',
    schema: { enum: ['skip', 'take-anyway'] },
  },
} as const satisfies Record<string, ExtensionKey>;

export const backupExtension = {
  target: { meaning: 'the name of a backup target', schema: text('usb') },
  schedule: { meaning: 'five fields of cron, in the time zone of the lab', schema: text('30 3 * * *') },
  keep: {
    meaning: 'which backups stay there: `14d:1d 8w:1w`; as the target says without it',
    schema: text('14d:1d 8w:1w'),
  },
  'test-restore': {
    meaning: 'how often one is restored as a test: `30d`; as the target says without it',
    schema: text('30d', '90d'),
  },
} as const satisfies Record<string, ExtensionKey>;

/** At the top of a file and on a volume. */
export const volumeExtension = {
  size: {
    meaning: 'how large each of its volumes may grow: `5GiB`; 1 GiB without it',
    schema: { ...textOrNumber('5GiB', '512MiB'), minimum: minVolumeBytes, maximum: maxVolumeBytes },
  },
  snapshot: {
    meaning: '`schedule`: five fields of cron, in the time zone of the lab; `on-change`: see below',
    schema: map(snapshotExtension, { type: ['object', 'null'] }),
  },
  keep: {
    meaning: 'which snapshots stay: `24h:1h 14d:1d last:3`; without it all',
    schema: text('24h:1h 14d:1d 8w:1w', 'last:3'),
  },
  hooks: {
    meaning: 'commands of the app around each snapshot, see below',
    schema: map(hooksExtension),
    several: true,
  },
  nodes: {
    meaning: 'labels that their node must have: `{zone: attic}`',
    schema: { type: ['object', 'null'], additionalProperties: { type: ['string', 'number', 'boolean'] } },
    several: true,
  },
  pool: { meaning: 'the name of the pool in which they must be', schema: text('main') },
  driver: {
    meaning: 'what that pool must be on: `zfs`, `btrfs` or `dir`',
    schema: { type: 'string', examples: ['zfs', 'btrfs', 'dir'] },
  },
  'grow-to': {
    meaning: 'room that is kept for each, its size included, so that it can grow where it is',
    schema: { ...textOrNumber('40GiB'), minimum: 1, maximum: maxVolumeBytes },
  },
  replicas: {
    meaning: `how many copies of each other nodes keep, 0 to ${mostReplicas} (\`docs/volumes.md\`)`,
    schema: { ...textOrNumber('2'), minimum: 0, maximum: mostReplicas },
    several: true,
  },
  replicate: {
    meaning: 'when those follow: `change` (the default), or five fields of cron',
    schema: text('change', '30 2 * * *'),
  },
  'max-data-loss': {
    meaning: 'how much of what was written last may be lost with them: `5m` (`docs/volumes.md`)',
    schema: text('5m', '1h'),
  },
  backup: {
    meaning: 'where they are backed up to, and when, see below',
    schema: { anyOf: [{ enum: [false] }, map(backupExtension, { required: ['target', 'schedule'] })] },
  },
} as const satisfies Record<string, ExtensionKey>;

export const placementExtension = {
  node: { meaning: 'the node on which the app runs, by its name', schema: text('atlas') },
  shares: {
    meaning: 'mount points that show the same on each node that has them: `[/mnt/media]`',
    schema: { type: 'array', items: { type: 'string' } },
  },
} as const satisfies Record<string, ExtensionKey>;

/** At the top of a file alone. */
const shownExtension = {
  name: { meaning: 'title of the app, as people read it', schema: { type: ['string', 'number', 'boolean'] } },
  icon: { meaning: 'web address of its icon', schema: text('https://photos.lab/icon.svg') },
  url: { meaning: 'where it is opened', schema: text('https://photos.lab') },
  placement: {
    meaning: '`node`: where the app runs; `shares`: see [mounts](#mounts)',
    schema: map(placementExtension, { type: ['object', 'null'] }),
  },
} as const satisfies Record<string, ExtensionKey>;

export const appExtension = { ...shownExtension, ...volumeExtension } as const satisfies Record<string, ExtensionKey>;

/** What `keysAt` asks. */
export const keysOf = <K extends string>(description: Readonly<Record<K, ExtensionKey>>): readonly K[] =>
  Object.keys(description) as K[];
