/** How a volume shall be, in fields: of a new one, and of one that is there. What few need is folded away. */
import { Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { useId, useState, type ReactNode } from 'react';
import { formatSize } from '#events/values/size.ts';
import { compression, recordSize, volumeConstraints } from '#events/volume.ts';
import type { VolumeDraft, VolumeField, VolumeTroubles } from '../../format/volume-draft.ts';
import { useView } from '../../live/use-view.ts';
import classes from './volume-fields.module.css';

export interface VolumeFieldsProps {
  readonly draft: VolumeDraft;
  readonly troubles: VolumeTroubles;
  readonly onChange: (changes: Partial<VolumeDraft>) => void;
}

type TextField = Exclude<VolumeField, 'onChange' | 'onFailure'>;

interface TextProps extends VolumeFieldsProps {
  readonly field: TextField;
  readonly label: string;
  readonly description?: string;
  readonly placeholder?: string;
  readonly disabled?: boolean;
  readonly list?: string;
  readonly first?: boolean;
}

export const Text = ({ draft, troubles, onChange, field, label, first, ...more }: TextProps) => (
  <TextInput
    label={label}
    autoComplete="off"
    spellCheck={false}
    {...(first ? { 'data-autofocus': true } : {})}
    {...more}
    value={draft[field]}
    error={troubles[field]}
    onChange={(event) => onChange({ [field]: event.currentTarget.value })}
  />
);

interface GroupProps {
  readonly title: string;
  /** What is in it now, while it is folded. */
  readonly note: string;
  /** Something in it is wrong: it cannot stay folded. */
  readonly troubled?: boolean;
  readonly children: ReactNode;
}

function Group({ title, note, troubled = false, children }: GroupProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details
      className={classes['group']}
      open={isOpen || troubled}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>
        {title} <span className="muted">{note}</span>
      </summary>
      <div className={classes['fields']}>{children}</div>
    </details>
  );
}

const troubledIn = (troubles: VolumeTroubles, ...fields: readonly VolumeField[]): boolean =>
  fields.some((field) => troubles[field] !== undefined);

export function PlacingFields(props: VolumeFieldsProps) {
  const { draft, troubles, onChange } = props;
  const pools = [...new Set(useView('pools').rows.map(({ name }) => name))].toSorted();
  const where = [draft.nodeLabels, draft.pool && `pool ${draft.pool}`, draft.driver].filter((text) => text !== '');
  const known = draft.pool === '' || pools.includes(draft.pool) ? pools : [...pools, draft.pool];
  return (
    <Group
      title="Where it may be"
      note={where.length === 0 ? 'anywhere with room' : where.join(', ')}
      troubled={troubledIn(troubles, 'nodeLabels', 'pool', 'driver')}
    >
      <Text {...props} field="nodeLabels" label="Only on nodes with the labels" placeholder="zone=attic, disk=ssd" />
      <NativeSelect
        label="Only in a pool called"
        data={[{ value: '', label: 'any pool' }, ...known]}
        value={draft.pool}
        error={troubles.pool}
        onChange={(event) => onChange({ pool: event.currentTarget.value })}
      />
      <NativeSelect
        label="Only on the file system"
        data={[{ value: '', label: 'any' }, ...volumeConstraints.shape.driver.unwrap().options]}
        value={draft.driver}
        error={troubles.driver}
        onChange={(event) => onChange({ driver: event.currentTarget.value })}
      />
    </Group>
  );
}

const smallestOffered = 4096;
const largestOffered = 2 ** 20;
const recordSizes = Array.from({ length: 30 }, (_, n) => 2 ** n).filter(
  (bytes) => bytes >= smallestOffered && bytes <= largestOffered && recordSize.safeParse(bytes).success,
);

/** Sizes that are worth a choice, and the present one. */
export const recordSizeChoices = (usual: string, present = '') => [
  { value: '', label: usual },
  ...(present === '' || recordSizes.includes(Number(present))
    ? []
    : [{ value: present, label: formatSize(Number(present)) }]),
  ...recordSizes.map((bytes) => ({ value: `${bytes}`, label: formatSize(bytes) })),
];
export const compressionChoices = (usual: string) => [{ value: '', label: usual }, ...compression.options];

/** @param isFixed it is made: a move into a new dataset changes these */
export function StorageFields({
  isFixed,
  onMove,
  ...props
}: VolumeFieldsProps & { readonly isFixed: boolean; readonly onMove?: () => void }) {
  const { draft, troubles, onChange } = props;
  const parts = [draft.recordSize && formatSize(Number(draft.recordSize)), draft.compression].filter(Boolean);
  return (
    <Group
      title="How it is stored"
      note={parts.length === 0 ? 'as is usual in its pool' : parts.join(', ')}
      troubled={troubledIn(troubles, 'owner', 'mode', 'recordSize', 'compression')}
    >
      <NativeSelect
        label="Record size"
        description={isFixed ? undefined : 'Where its pool knows that: small for databases, large for films.'}
        disabled={isFixed}
        data={recordSizeChoices('as is usual', draft.recordSize)}
        value={draft.recordSize}
        error={troubles.recordSize}
        onChange={(event) => onChange({ recordSize: event.currentTarget.value })}
      />
      <NativeSelect
        label="Compression"
        disabled={isFixed}
        data={compressionChoices('as is usual')}
        value={draft.compression}
        error={troubles.compression}
        onChange={(event) => onChange({ compression: event.currentTarget.value })}
      />
      {isFixed && (
        <p className="muted">
          Both are fixed since it was made: what was written stays as it is.{' '}
          <button type="button" className="link" onClick={onMove}>
            Move it
          </button>{' '}
          into a new dataset to change them.
        </p>
      )}
      <Text
        {...props}
        field="owner"
        label="Owner of its top folder"
        description="As numbers: the names of a container’s users are its own."
        placeholder="999:999"
      />
      <Text {...props} field="mode" label="Mode of its top folder" placeholder="0750" />
    </Group>
  );
}

export function SnapshotFields({ children, ...props }: VolumeFieldsProps & { readonly children?: ReactNode }) {
  const { draft, troubles, onChange } = props;
  return (
    <Group
      title="Snapshots when it changes"
      note={draft.onChange ? `at most every ${draft.interval}` : 'none'}
      troubled={troubledIn(troubles, 'settle', 'interval')}
    >
      <Checkbox
        label="Snapshot when something was written"
        checked={draft.onChange}
        onChange={(event) => onChange({ onChange: event.currentTarget.checked })}
      />
      <Text
        {...props}
        field="settle"
        label="Once nothing was written for"
        description="So that a snapshot does not fall into the middle of something."
        disabled={!draft.onChange}
      />
      <Text
        {...props}
        field="interval"
        label="At most every"
        description="What is written all the time is snapshotted this often."
        disabled={!draft.onChange}
      />
      {children}
    </Group>
  );
}

/** @param services of its app, to choose from */
export function HookFields({ services, ...props }: VolumeFieldsProps & { readonly services: readonly string[] }) {
  const { draft, troubles, onChange } = props;
  const list = useId();
  const named = [
    draft.beforeCommand && `before in ${draft.beforeService}`,
    draft.afterCommand && `after in ${draft.afterService}`,
  ];
  const fields = ['Service', 'Command', 'Timeout'] as const;
  return (
    <Group
      title="Commands around snapshots"
      note={named.filter(Boolean).join(', ') || 'none'}
      troubled={fields.some((one) => troubledIn(troubles, `before${one}`, `after${one}`))}
    >
      <datalist id={list}>
        {services.map((service) => (
          <option key={service} value={service} />
        ))}
      </datalist>
      {(['before', 'after'] as const).map((side) => (
        <fieldset key={side} className={classes['hook']}>
          <legend>{side === 'before' ? 'Before a snapshot' : 'After it'}</legend>
          <Text {...props} field={`${side}Service`} label="In the service" placeholder="db" list={list} />
          <Text
            {...props}
            field={`${side}Command`}
            label="Run"
            placeholder={side === 'before' ? 'pg_backup_start --fast' : 'pg_backup_stop'}
            {...(side === 'after' ? { description: 'Runs whenever the one before has begun.' } : {})}
          />
          <Text {...props} field={`${side}Timeout`} label="For at most" />
        </fieldset>
      ))}
      <NativeSelect
        label="When the command before fails"
        data={[
          { value: 'skip', label: 'take no snapshot' },
          { value: 'take-anyway', label: 'take it anyway' },
        ]}
        value={draft.onFailure}
        onChange={(event) => onChange({ onFailure: event.currentTarget.value === 'skip' ? 'skip' : 'take-anyway' })}
      />
      <p className="muted">They are in the history of the lab: no place for a password.</p>
    </Group>
  );
}
