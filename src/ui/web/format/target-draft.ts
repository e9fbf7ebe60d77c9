/**
 * A place for backups while somebody writes where it is. Each kind is an entry of `targetKinds`: its fields are places in the
 * command, so that the schema of the command judges them, and what is wrong is said at the field where it is. Pure.
 */
import { backupTargetCommands } from '#actors/backup-target/commands.ts';
import type { CommandInputs } from '#actors/commands.ts';
import { parseDuration } from '#events/values/duration.ts';
import { parseSize } from '#events/values/size.ts';
import type { BackupTargetRow } from '#projections/views/backup-targets.ts';
import { nameRule } from '#events/values/name.ts';
import { plainSize, plainSpan } from './volume-draft.ts';

export interface TargetField {
  /** Where its value goes in the command: `store.path`. */
  readonly path: string;
  readonly label: string;
  readonly description?: string;
  readonly placeholder?: string;
  /** `secret`: never shown again, neither by this page nor by the lab. `node`: one of the lab's, or none. `pool`: `node/pool`. */
  readonly as?: 'text' | 'secret' | 'node' | 'pool' | 'choice';
  readonly choices?: readonly { readonly value: string; readonly label: string }[];
  /** It cannot be left empty. */
  readonly isNeeded?: boolean;
  /** Text → value; undefined: it is not readable. */
  readonly read?: (text: string) => unknown;
  /** How to write it; where it is left out, the schema says what is wrong. */
  readonly wrong?: string;
}

export interface TargetKind {
  readonly kind: string;
  readonly label: string;
  readonly about: string;
  readonly fields: readonly TargetField[];
  /** What of it can be changed later, beside its secrets: places in the command that changes. */
  readonly changes?: readonly TargetField[];
}

const sizeField: Omit<TargetField, 'path'> = {
  label: 'Room for all backups in it',
  placeholder: '500GiB',
  isNeeded: true,
  read: parseSize,
  wrong: 'Write a number with its unit: 500GiB.',
};

/** As tools show it, with or without the colons. */
const plainFingerprint = (text: string): string =>
  text
    .toLowerCase()
    .replace(/^sha256:/, '')
    .replaceAll(':', '');

export const targetKinds: readonly TargetKind[] = [
  {
    kind: 'directory',
    label: 'A folder: a disk, or a share',
    about: 'It has to be there already: an empty mount point is not taken for the disk that should be there.',
    fields: [
      {
        path: 'store.path',
        label: 'Folder',
        description: 'Outside of the pools, so that one broken disk does not take both.',
        placeholder: '/mnt/usb/backups',
        isNeeded: true,
      },
      { path: 'store.node', label: 'On the node', as: 'node' },
    ],
  },
  {
    kind: 's3',
    label: 'A bucket: S3, at a provider or your own',
    about: 'What is stored there is encrypted before it leaves the lab.',
    fields: [
      {
        path: 'store.endpoint',
        label: 'Endpoint',
        placeholder: 'https://s3.example.net',
        isNeeded: true,
        wrong: 'Write scheme, host and port alone: https://s3.example.net.',
      },
      { path: 'store.bucket', label: 'Bucket', placeholder: 'my-lab', isNeeded: true },
      { path: 'store.prefix', label: 'Folder in the bucket', placeholder: 'backups' },
      { path: 'store.region', label: 'Region', placeholder: 'us-east-1' },
      {
        path: 'store.style',
        label: 'The bucket is named in',
        as: 'choice',
        choices: [
          { value: '', label: 'the path, which every server knows' },
          { value: 'virtual', label: 'the name of the host' },
        ],
      },
      { path: 'secrets.accessKeyId', label: 'Access key', as: 'secret', isNeeded: true },
      { path: 'secrets.secretAccessKey', label: 'Secret access key', as: 'secret', isNeeded: true },
      { path: 'secrets.sessionToken', label: 'Session token', description: 'Few need one.', as: 'secret' },
    ],
  },
  {
    kind: 'pool',
    label: 'Another pool of the lab',
    about: 'For volumes of other pools: it survives theirs, and not the loss of the whole lab.',
    fields: [
      {
        path: 'store',
        label: 'Pool',
        as: 'pool',
        isNeeded: true,
        read: (text) => {
          const [node, pool] = text.split('/');
          return { node, pool };
        },
      },
      { ...sizeField, path: 'store.sizeBytes' },
    ],
    changes: [{ ...sizeField, path: 'sizeBytes' }],
  },
  {
    kind: 'lab',
    label: 'Another lab, which lends a place',
    about: 'That lab keeps what it cannot read. Whoever lends the place knows all of this.',
    fields: [
      {
        path: 'store.endpoint',
        label: 'Address',
        placeholder: 'https://vega.example:7400',
        isNeeded: true,
        wrong: 'Write https, host and port alone: https://vega.example:7400.',
      },
      { path: 'store.vault', label: 'What it calls the place', placeholder: 'for-friends', isNeeded: true },
      {
        path: 'store.fingerprint',
        label: 'Fingerprint of that lab',
        description: 'Of the certificate of its authority: no other lab is believed.',
        isNeeded: true,
        read: plainFingerprint,
        wrong: 'Write the SHA-256 of its authority: 64 hex digits.',
      },
      {
        path: 'store.appendOnly',
        label: 'The lab that lends it',
        as: 'choice',
        choices: [
          { value: '', label: 'deletes what is thinned out here' },
          { value: 'yes', label: 'deletes nothing for us: it thins out itself' },
        ],
        read: (text) => text === 'yes',
      },
      { path: 'secrets.token', label: 'Token', as: 'secret', isNeeded: true },
    ],
  },
];

/** What it is called, which every kind asks for. */
export const nameField: TargetField = {
  path: 'name',
  label: 'Name',
  description: 'What the lab calls it.',
  placeholder: 'usb',
  isNeeded: true,
  wrong: `For names, ${nameRule}.`,
};

/** What is kept there, and how it is used: of every kind, and of one that is there. */
const policyFields: readonly TargetField[] = [
  {
    path: 'keep',
    label: 'Which backups of each volume stay',
    description:
      'One a day for a week and one a week for two months: 7d:1d 8w:1w. Empty: all. By hand ones always stay.',
    placeholder: '7d:1d 8w:1w 12mo:1mo',
  },
  {
    path: 'verifyEveryMs',
    label: 'The newest is read back again every',
    description: 'All of it is read: of a bucket that is traffic. Empty: once, when it was written.',
    placeholder: '30d',
    read: parseDuration,
    wrong: 'Write a number with its unit: 30d, 12h.',
  },
  {
    path: 'testRestoreEveryMs',
    label: 'One of each volume is restored as a test every',
    description: 'Into a scratch volume, compared, and removed again. Empty: never.',
    placeholder: '30d',
    read: parseDuration,
    wrong: 'Write a number with its unit: 30d, 12h.',
  },
  {
    path: 'limitBytesPerSecond',
    label: 'Bytes a second, at most',
    description: 'Of one backup or one restore. Empty: as fast as it goes.',
    placeholder: '5MiB',
    read: parseSize,
    wrong: 'Write a number with its unit: 5MiB.',
  },
];

/** Text by the path of its field. */
export type TargetDraft = Readonly<Record<string, string>>;
export type TargetTroubles = Readonly<Record<string, string>>;

export const fieldsOf = (kind: TargetKind): readonly TargetField[] => [nameField, ...kind.fields, ...policyFields];

/** @returns the command once everything is right; until then, what is wrong with what was written so far */
export function targetOf(
  kind: TargetKind,
  draft: TargetDraft,
): { readonly input: CommandInputs['add-backup-target'] } | { readonly troubles: TargetTroubles } {
  const read = valuesOf(fieldsOf(kind), draft);
  const input = { ...read.values, store: { kind: kind.kind, ...(read.values['store'] as object | undefined) } };
  const parsed = backupTargetCommands['add-backup-target'].safeParse(input);
  const isWhole = fieldsOf(kind).every(({ path, isNeeded }) => !isNeeded || textIn(draft, path) !== '');
  // As it was written: what is left out gets its usual value from the lab.
  if (parsed.success && isWhole && Object.keys(read.troubles).length === 0)
    return { input: input as CommandInputs['add-backup-target'] };
  return { troubles: { ...saidAt(parsed.error?.issues ?? [], fieldsOf(kind), draft), ...read.troubles } };
}

/** Secrets are in no row: those fields begin empty. */
export const policyOf = (row: BackupTargetRow): TargetDraft => ({
  keep: row.keep ?? '',
  verifyEveryMs: row.verifyEveryMs === null ? '' : plainSpan(row.verifyEveryMs),
  testRestoreEveryMs: row.testRestoreEveryMs === null ? '' : plainSpan(row.testRestoreEveryMs),
  limitBytesPerSecond: row.limitBytesPerSecond === null ? '' : plainSize(row.limitBytesPerSecond),
  ...('sizeBytes' in row.store ? { sizeBytes: plainSize(row.store.sizeBytes) } : {}),
});

const kindOf = ({ store }: Pick<BackupTargetRow, 'store'>): TargetKind | undefined =>
  targetKinds.find(({ kind }) => kind === store.kind);

/** Of one that is there: what can be changed of it, its secrets aside. */
export const changeFields = (row: Pick<BackupTargetRow, 'store'>): readonly TargetField[] => [
  ...policyFields,
  ...(kindOf(row)?.changes ?? []),
];

/** Of one that is there: only what was written anew. Keys that are left empty stay; none is ever shown. */
export function changesOf(
  row: BackupTargetRow,
  draft: TargetDraft,
): { readonly input: CommandInputs['change-backup-target'] } | { readonly troubles: TargetTroubles } {
  const before = policyOf(row);
  const secrets = secretFields(row);
  const fields = changeFields(row);
  const isOther = ({ path }: TargetField): boolean => textIn(draft, path) !== textIn(before, path);
  const read = valuesOf([...fields.filter(isOther), ...secrets], draft);
  const emptied = Object.fromEntries(
    policyFields
      .filter((field) => isOther(field) && textIn(draft, field.path) === '')
      .map(({ path }) => [path, path === 'keep' ? '' : 0]),
  );
  const input = { name: row.name, ...emptied, ...read.values };
  const given = secrets.filter(({ path }) => textIn(draft, path) !== '');
  const lacks = given.length === 0 ? [] : secrets.filter(({ path, isNeeded }) => isNeeded && !textIn(draft, path));
  const parsed = backupTargetCommands['change-backup-target'].safeParse(input);
  if (parsed.success && lacks.length === 0 && Object.keys(read.troubles).length === 0) return { input };
  return {
    troubles: {
      ...Object.fromEntries(lacks.map(({ path }) => [path, 'Keys are changed together.'])),
      ...saidAt(parsed.error?.issues ?? [], [...fields, ...secrets], draft),
      ...read.troubles,
    },
  };
}

/** What opens it and can be changed. That of another lab cannot. */
export const secretFields = (row: Pick<BackupTargetRow, 'store' | 'isForeign'>): readonly TargetField[] =>
  row.isForeign ? [] : (kindOf(row)?.fields.filter(({ as }) => as === 'secret') ?? []);

const textIn = (draft: TargetDraft, path: string): string => (draft[path] ?? '').trim();

/** The values at their places; a field that is empty has none. */
function valuesOf(fields: readonly TargetField[], draft: TargetDraft) {
  const values: Record<string, unknown> = {};
  const troubles: Record<string, string> = {};
  for (const { path, read, wrong = 'This cannot be read.' } of fields) {
    const text = textIn(draft, path);
    if (text === '') continue;
    const value = read ? read(text) : text;
    if (value === undefined) troubles[path] = wrong;
    else put(values, path.split('.'), value);
  }
  return { values, troubles };
}

function put(into: Record<string, unknown>, [first = '', ...rest]: readonly string[], value: unknown): void {
  // A field that stands for several places gives them together.
  if (rest.length === 0) into[first] = typeof value === 'object' ? { ...(into[first] as object), ...value } : value;
  else put((into[first] ??= {}) as Record<string, unknown>, rest, value);
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** An empty field is not wrong yet: somebody is about to write. */
function saidAt(issues: readonly Issue[], fields: readonly TargetField[], draft: TargetDraft): TargetTroubles {
  const said = issues.flatMap(({ path, message }) => {
    const field = fields.find((one) => one.path === path.map(String).join('.'));
    if (!field || textIn(draft, field.path) === '') return [];
    return [[field.path, field.wrong ?? `${message.slice(0, 1).toUpperCase()}${message.slice(1)}.`] as const];
  });
  return Object.fromEntries(said);
}
