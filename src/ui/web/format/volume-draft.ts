/**
 * A volume while somebody writes how it shall be: all of it is text, and some of it may not be right yet. What is right is
 * what the schema of its specification says; what is wrong is said at the field where it is. Pure.
 */
import { formatDuration, parseDuration } from '#events/values/duration.ts';
import { formatSize, parseSize } from '#events/values/size.ts';
import {
  defaultHookMs,
  defaultOnChange,
  hookLimitsMs,
  intervalLimitsMs,
  settleLimitsMs,
} from '#events/values/snapshotting.ts';
import { volumeSpec, type VolumeSpec } from '#events/volume.ts';
import type { CommandInputs } from '#actors/commands.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { textOf, wordsOf } from './command-line.ts';
import { labelText, parseLabels } from './label-text.ts';

export interface VolumeDraft {
  readonly size: string;
  /** Here and below, empty is none, or what is usual. */
  readonly growTo: string;
  readonly keep: string;
  /** `999:999` */
  readonly owner: string;
  /** Octal digits. */
  readonly mode: string;
  readonly nodeLabels: string;
  readonly pool: string;
  readonly driver: string;
  readonly recordSize: string;
  readonly compression: string;
  readonly onChange: boolean;
  readonly settle: string;
  readonly interval: string;
  readonly beforeService: string;
  readonly beforeCommand: string;
  readonly beforeTimeout: string;
  readonly afterService: string;
  readonly afterCommand: string;
  readonly afterTimeout: string;
  readonly onFailure: NonNullable<VolumeSpec['hooks']>['onFailure'];
}
export type VolumeField = keyof VolumeDraft;
/** What is wrong, at the field where it is. */
export type VolumeTroubles = Readonly<Partial<Record<VolumeField, string>>>;

/** As one writes it: `5GiB`. */
export const plainSize = (bytes: number): string => formatSize(bytes).replace(' ', '');
/** `5m`, `1h30m` */
export const plainSpan = (ms: number): string => formatDuration(ms).replaceAll(' ', '');
/** `0750` */
export const modeText = (mode: number): string => `0${mode.toString(8).padStart(3, '0')}`;

export const emptyDraft: VolumeDraft = {
  ...{ size: '5GiB', growTo: '', keep: '', owner: '', mode: '', nodeLabels: '', pool: '', driver: '' },
  ...{ recordSize: '', compression: '', onChange: false },
  ...{ settle: plainSpan(defaultOnChange.settleMs), interval: plainSpan(defaultOnChange.minIntervalMs) },
  ...{ beforeService: '', beforeCommand: '', beforeTimeout: plainSpan(defaultHookMs) },
  ...{ afterService: '', afterCommand: '', afterTimeout: plainSpan(defaultHookMs), onFailure: 'skip' as const },
};

export function draftOf(row: VolumeRow): VolumeDraft {
  const { constraints, snapshotOnChange, hooks } = row;
  const hook = (side: 'before' | 'after') => {
    const { service = '', command = [], timeoutMs = defaultHookMs } = hooks?.[side] ?? {};
    return {
      [`${side}Service`]: service,
      [`${side}Command`]: textOf(command),
      [`${side}Timeout`]: plainSpan(timeoutMs),
    };
  };
  const { settleMs, minIntervalMs } = snapshotOnChange ?? defaultOnChange;
  return {
    ...emptyDraft,
    size: plainSize(row.sizeBytes),
    growTo: row.growToBytes === null ? '' : plainSize(row.growToBytes),
    keep: row.keep ?? '',
    owner: row.owner === null ? '' : `${row.owner.uid}:${row.owner.gid}`,
    mode: row.mode === null ? '' : modeText(row.mode),
    nodeLabels: labelText(constraints?.labels ?? {}),
    pool: constraints?.pool ?? '',
    driver: constraints?.driver ?? '',
    recordSize: row.recordSizeBytes === null ? '' : `${row.recordSizeBytes}`,
    compression: row.compression ?? '',
    onChange: snapshotOnChange !== null,
    settle: plainSpan(settleMs),
    interval: plainSpan(minIntervalMs),
    ...hook('before'),
    ...hook('after'),
    ...(hooks ? { onFailure: hooks.onFailure } : {}),
  };
}

/** What is wrong with a retention; undefined when nothing is, and of an empty one. */
export function keepTrouble(text: string): string | undefined {
  const [issue] = text.trim() === '' ? [] : (volumeSpec.shape.keep.safeParse(text.trim()).error?.issues ?? []);
  return issue && sentence(issue.message);
}

/** Of a new volume. */
export function specOf(draft: VolumeDraft): { readonly spec: VolumeSpec } | { readonly troubles: VolumeTroubles } {
  const { troubles, spec } = read(draft);
  const parsed = volumeSpec.safeParse(spec);
  if (parsed.success && Object.keys(troubles).length === 0) return { spec: parsed.data };
  return { troubles: { ...fieldsOf(parsed.error?.issues ?? []), ...troubles } };
}

type Changes = Omit<CommandInputs['change-volume'], 'namespace' | 'name'>;

/** Of one that is there: only what was written anew, so that figures which are shown rounded stay what they are. */
export function changesOf(
  row: VolumeRow,
  draft: VolumeDraft,
): { readonly changes: Changes } | { readonly troubles: VolumeTroubles } {
  const result = specOf(draft);
  if ('troubles' in result) return result;
  const before = draftOf(row);
  const isOther = (...fields: readonly VolumeField[]): boolean =>
    fields.some((field) => draft[field] !== before[field]);
  const { spec } = result;
  if (isOther('size') && spec.sizeBytes < row.sizeBytes)
    return { troubles: { size: `At least ${formatSize(row.sizeBytes)}: a volume cannot become smaller.` } };
  const hooks = hookFields.map(({ field }) => field);
  return {
    changes: {
      ...(isOther('size') ? { sizeBytes: spec.sizeBytes } : {}),
      ...(isOther('growTo') ? { growToBytes: spec.growToBytes ?? 0 } : {}),
      ...(isOther('keep') ? { keep: spec.keep ?? '' } : {}),
      ...(isOther('owner') && spec.owner ? { owner: spec.owner } : {}),
      ...(isOther('mode') && spec.mode !== undefined ? { mode: spec.mode } : {}),
      ...(isOther('recordSize') && spec.recordSizeBytes ? { recordSizeBytes: spec.recordSizeBytes } : {}),
      ...(isOther('compression') && spec.compression ? { compression: spec.compression } : {}),
      ...(isOther('nodeLabels', 'pool', 'driver') ? { constraints: spec.constraints ?? {} } : {}),
      ...(isOther('onChange') || (draft.onChange && isOther('settle', 'interval'))
        ? { snapshotOnChange: spec.snapshotOnChange ?? null }
        : {}),
      ...(isOther(...hooks, 'onFailure') ? { hooks: spec.hooks ?? null } : {}),
    },
  };
}

const hookFields = (['before', 'after'] as const).flatMap((side) => [
  { field: `${side}Service` as const, path: `hooks.${side}.service` },
  { field: `${side}Command` as const, path: `hooks.${side}.command` },
  { field: `${side}Timeout` as const, path: `hooks.${side}.timeoutMs` },
]);

/** The longest of these that a wrong place begins with is its field. */
const fields: readonly { readonly path: string; readonly field: VolumeField }[] = [
  { path: 'sizeBytes', field: 'size' },
  { path: 'growToBytes', field: 'growTo' },
  { path: 'keep', field: 'keep' },
  { path: 'owner', field: 'owner' },
  { path: 'mode', field: 'mode' },
  { path: 'constraints.labels', field: 'nodeLabels' },
  { path: 'constraints.pool', field: 'pool' },
  { path: 'constraints.driver', field: 'driver' },
  { path: 'recordSizeBytes', field: 'recordSize' },
  { path: 'compression', field: 'compression' },
  { path: 'snapshotOnChange.settleMs', field: 'settle' },
  { path: 'snapshotOnChange.minIntervalMs', field: 'interval' },
  ...hookFields,
];

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function fieldsOf(issues: readonly Issue[]): VolumeTroubles {
  const found = issues.flatMap(({ path, message }) => {
    const at = path.map(String).join('.');
    const known = fields.find((one) => at === one.path || at.startsWith(`${one.path}.`));
    return known ? [[known.field, sentence(message)] as const] : [];
  });
  return Object.fromEntries(found);
}

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;

interface Limits {
  readonly min: number;
  readonly max: number;
}

/** The text, as the values that the schema judges; what is not even readable is said here. */
function read(draft: VolumeDraft): { readonly spec: unknown; readonly troubles: VolumeTroubles } {
  const troubles: Partial<Record<VolumeField, string>> = {};
  const text = (field: VolumeField): string => String(draft[field]).trim();
  const size = (field: 'size' | 'growTo'): number | undefined => {
    const bytes = parseSize(text(field));
    if (bytes === undefined) troubles[field] = 'Write a number with its unit: 5GiB, 512MiB.';
    return bytes;
  };
  const span = (field: VolumeField, { min, max }: Limits): number | undefined => {
    const ms = parseDuration(text(field));
    if (ms === undefined) troubles[field] = 'Write a number with its unit: 30s, 5m, 1h.';
    else if (ms < min || ms > max) troubles[field] = `Choose from ${formatDuration(min)} to ${formatDuration(max)}.`;
    return ms === undefined ? undefined : Math.round(ms);
  };
  const hook = (side: 'before' | 'after') => {
    if (text(`${side}Service`) === '' && text(`${side}Command`) === '') return {};
    const command = wordsOf(text(`${side}Command`));
    if (!command) troubles[`${side}Command`] = 'Write a program and its arguments, with every quote closed.';
    if (text(`${side}Service`) === '') troubles[`${side}Service`] = 'Name the service in whose container it runs.';
    const timeoutMs = span(`${side}Timeout`, hookLimitsMs);
    return { [side]: { service: text(`${side}Service`), command: [...(command ?? [])], timeoutMs } };
  };
  const owner = (): object => {
    const [, uid, gid] = /^(\d{1,10}):(\d{1,10})$/.exec(text('owner')) ?? [];
    if (uid === undefined) troubles.owner = 'Write the numbers of a user and a group: 999:999.';
    return { owner: { uid: Number(uid), gid: Number(gid) } };
  };
  const mode = (): object => {
    const isOctal = /^[0-7]{3,5}$/.test(text('mode'));
    if (!isOctal) troubles.mode = 'Write it in octal digits: 0750.';
    return { mode: Number.parseInt(text('mode'), 8) };
  };
  const labels = parseLabels(text('nodeLabels'));
  if (!labels) troubles.nodeLabels = 'Write for example zone=attic, disk=ssd.';
  const constraints = {
    ...(labels && Object.keys(labels).length > 0 ? { labels } : {}),
    ...given('pool', text('pool')),
    ...given('driver', text('driver')),
  };
  const hooks = { ...hook('before'), ...hook('after') };
  const sizeBytes = size('size');
  const growToBytes = text('growTo') === '' ? undefined : size('growTo');
  if (growToBytes !== undefined && sizeBytes !== undefined && growToBytes < sizeBytes)
    troubles.growTo = 'It counts the size in: write more than that, or nothing.';
  const spec = {
    sizeBytes,
    ...(growToBytes === undefined ? {} : { growToBytes }),
    ...given('keep', text('keep')),
    ...(text('owner') === '' ? {} : owner()),
    ...(text('mode') === '' ? {} : mode()),
    ...(text('recordSize') === '' ? {} : { recordSizeBytes: Number(draft.recordSize) }),
    ...given('compression', text('compression')),
    ...(Object.keys(constraints).length === 0 ? {} : { constraints }),
    ...(draft.onChange
      ? {
          snapshotOnChange: {
            settleMs: span('settle', settleLimitsMs),
            minIntervalMs: span('interval', intervalLimitsMs),
          },
        }
      : {}),
    ...(Object.keys(hooks).length === 0 ? {} : { hooks: { ...hooks, onFailure: draft.onFailure } }),
  };
  return { spec, troubles };
}

const given = (key: string, text: string): object => (text === '' ? {} : { [key]: text });
