/** What can be done to the disks of a node: each with what would happen, and what is on a disk before it is taken. */
import { Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { fewestDevices } from '#actors/pool/layouts.ts';
import { poolLayout } from '#events/values/pool.ts';
import { formatSize, parseSize } from '#events/values/size.ts';
import type { DiskCandidate } from '#io/contract/disks.ts';
import type { PoolRow } from '#projections/views/pools.ts';
import { Loading } from '../../components/page.tsx';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { TroubleBox } from '../../components/trouble.tsx';
import { rest } from '../../live/clients.tsx';
import { troubleOf } from '../../live/use-command.ts';
import classes from './pools.module.css';

const isPoolName = (text: string): boolean => /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(text);

interface OfNode {
  readonly node: string;
  readonly onClose: () => void;
}
interface OfPool {
  readonly pool: PoolRow;
  readonly onClose: () => void;
}

const layoutChoices = [
  { value: 'single', label: 'One copy: a disk that fails takes data along' },
  { value: 'mirror', label: 'Mirror: one disk may fail' },
  { value: 'raidz1', label: 'RAID-Z1 (zfs): one disk may fail' },
  { value: 'raidz2', label: 'RAID-Z2 (zfs): two disks may fail' },
  { value: 'raidz3', label: 'RAID-Z3 (zfs): three disks may fail' },
  { value: 'raid1c3', label: 'RAID1C3 (btrfs): two disks may fail' },
  { value: 'raid1c4', label: 'RAID1C4 (btrfs): three disks may fail' },
  { value: 'raid10', label: 'RAID10 (btrfs): striped mirrors' },
];

export function CreatePool({ node, onClose }: OfNode) {
  const [name, setName] = useState('tank');
  const [layout, setLayout] = useState<keyof typeof fewestDevices>('mirror');
  const choice = useChoice();
  const devices = choice.paths;
  const isReady = isPoolName(name) && devices.length >= fewestDevices[layout];
  return (
    <PlanDialog
      title={`Make a pool on ${node}`}
      command="create-pool"
      input={{
        node,
        name,
        layout,
        erase: choice.erase,
        ...(devices.length === 0 ? { sizeBytes: 2 ** 30 } : { devices }),
      }}
      confirm="Make the pool"
      size={560}
      isReady={isReady}
      isBegun={devices.length > 0}
      danger={choice.erase}
      {...(choice.erase ? { typeName: name } : {})}
      undo="A pool can be forgotten; its disks keep what is on them. It is scrubbed once a month; the schedule can be changed."
      onClose={onClose}
    >
      <TextInput
        label="Name"
        value={name}
        error={isPoolName(name) ? undefined : 'Use 1 to 32 of a–z, 0–9 and "-", beginning with a letter.'}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <NativeSelect
        label="How disks are put together"
        data={layoutChoices}
        value={layout}
        onChange={(event) => setLayout(poolLayout.parse(event.currentTarget.value))}
      />
      <Disks node={node} choice={choice} />
    </PlanDialog>
  );
}

export function AddDevices({ pool, onClose }: OfPool) {
  const choice = useChoice();
  return (
    <PlanDialog
      title={`Add devices to ${pool.name}`}
      command="add-pool-devices"
      input={{
        node: pool.node.name,
        name: pool.name,
        devices: choice.paths.length === 0 ? ['/dev/none'] : choice.paths,
        erase: choice.erase,
      }}
      confirm="Add them"
      size={560}
      isReady={choice.paths.length > 0}
      isBegun={choice.paths.length > 0}
      danger={choice.erase}
      {...(choice.erase ? { typeName: pool.name } : {})}
      undo="A device that was added is part of the pool from then on: of zfs it cannot be taken out again."
      onClose={onClose}
    >
      <Disks node={pool.node.name} choice={choice} />
    </PlanDialog>
  );
}

export function ReplaceDevice({ pool, device, onClose }: OfPool & { readonly device: string | undefined }) {
  const [old, setOld] = useState(device ?? pool.devices[0]?.name ?? '');
  const choice = useChoice(1);
  const [by] = choice.paths;
  return (
    <PlanDialog
      title={`Replace a device of ${pool.name}`}
      command="replace-pool-device"
      input={{ node: pool.node.name, name: pool.name, device: old, by: by ?? '/dev/none', erase: choice.erase }}
      confirm="Replace it"
      size={560}
      isReady={by !== undefined}
      isBegun={by !== undefined}
      danger={choice.erase}
      {...(choice.erase ? { typeName: pool.name } : {})}
      undo="The pool goes on meanwhile. Filling the new device takes as long as reading what the old one held."
      onClose={onClose}
    >
      <NativeSelect
        label="Which one goes"
        data={pool.devices.map(({ name, state, was }) => ({ value: name, label: `${was ?? name} (${state})` }))}
        value={old}
        onChange={(event) => setOld(event.currentTarget.value)}
      />
      <Disks node={pool.node.name} choice={choice} />
    </PlanDialog>
  );
}

export function GrowPool({ pool, onClose }: OfPool) {
  const [size, setSize] = useState('');
  const sizeBytes = parseSize(size);
  const isSize = size.trim() === '' || sizeBytes !== undefined;
  return (
    <PlanDialog
      title={`Grow ${pool.name}`}
      command="grow-pool"
      input={{ node: pool.node.name, name: pool.name, ...(sizeBytes === undefined ? {} : { sizeBytes }) }}
      confirm="Grow"
      isReady={isSize}
      undo="A pool cannot become smaller again."
      onClose={onClose}
    >
      <TextInput
        label="New size, of a pool in a file"
        description={`It has ${formatSize(pool.sizeBytes)}. Empty: all that its devices have gained.`}
        placeholder="40GiB"
        value={size}
        error={isSize ? undefined : 'Write a number with its unit: 40GiB.'}
        onChange={(event) => setSize(event.currentTarget.value)}
      />
    </PlanDialog>
  );
}

export const ForgetPool = ({ pool, onClose }: OfPool) => (
  <PlanDialog
    title={`Forget ${pool.name}`}
    command="forget-pool"
    input={{ node: pool.node.name, name: pool.name }}
    confirm="Forget it"
    danger
    undo="What is in it stays on its disks. Adopt it again at any time."
    onClose={onClose}
  />
);

export function AdoptPool({ node, onClose }: OfNode) {
  const [name, setName] = useState('');
  const [place, setPlace] = useState('');
  const [, kind, where = ''] = /^(?:(zfs|dir|btrfs):)?(.*)$/s.exec(place.trim()) ?? [];
  const driver = kind === 'zfs' || kind === 'dir' ? kind : 'btrfs';
  const isReady = isPoolName(name) && where !== '';
  return (
    <PlanDialog
      title={`Adopt a pool on ${node}`}
      command="adopt-pool"
      input={{ node, name: isPoolName(name) ? name : 'unnamed', driver, where: where === '' ? '/' : where }}
      confirm="Adopt"
      isReady={isReady}
      undo="Forget it at any time: what is in it stays as it is."
      onClose={onClose}
    >
      <TextInput
        label="Name"
        placeholder="fast"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TextInput
        label="Where it is"
        description="A folder on btrfs, a dataset of zfs, or any folder with dir: before it."
        placeholder="/mnt/fast, zfs:tank/lab or dir:/srv/slow"
        value={place}
        onChange={(event) => setPlace(event.currentTarget.value)}
      />
    </PlanDialog>
  );
}

interface Choice {
  readonly paths: string[];
  /** What one of them holds is to be lost. */
  readonly erase: boolean;
  toggle(disk: DiskCandidate): void;
  setErase(erase: boolean): void;
  readonly mayErase: boolean;
}

/** @param most how many may be chosen */
function useChoice(most = 64): Choice {
  const [disks, setDisks] = useState<readonly DiskCandidate[]>([]);
  const [mayErase, setMayErase] = useState(false);
  return {
    paths: disks.map(({ path }) => path),
    erase: mayErase && disks.some(({ state }) => state === 'holds-data'),
    mayErase,
    toggle: (disk) => {
      const without = disks.filter(({ path }) => path !== disk.path);
      setDisks(without.length < disks.length ? without : [...without, disk].slice(-most));
    },
    setErase: (erase) => {
      setMayErase(erase);
      if (!erase) setDisks(disks.filter(({ state }) => state !== 'holds-data'));
    },
  };
}

/** The disks of the machine, as they are at this moment. What is in use cannot be chosen at all. */
function Disks({ node, choice }: { readonly node: string; readonly choice: Choice }) {
  const { data, error } = useQuery({
    queryKey: ['disks', node],
    queryFn: ({ signal }) => rest.disks(node, { signal }),
    gcTime: 0,
  });
  if (error) return <TroubleBox trouble={troubleOf(error)} />;
  if (!data) return <Loading lines={3} />;
  const holding = data.some(({ state }) => state === 'holds-data');
  return (
    <div>
      <div className={classes['disks']} role="group" aria-label="Disks">
        {data.length === 0 && <p className="muted">This machine shows no disks.</p>}
        {data.map((disk) => (
          <Checkbox
            key={disk.path}
            className={classes['disk'] ?? ''}
            checked={choice.paths.includes(disk.path)}
            disabled={disk.state !== 'free' && !(disk.state === 'holds-data' && choice.mayErase)}
            label={`${disk.path}, ${formatSize(disk.sizeBytes)}${disk.model === null ? '' : `, ${disk.model}`}`}
            description={disk.why.length === 0 ? 'free' : `${stateWords[disk.state]}: ${disk.why.join(', ')}`}
            onChange={() => choice.toggle(disk)}
          />
        ))}
      </div>
      {holding && (
        <Checkbox
          mt={8}
          checked={choice.mayErase}
          label="Also disks that hold data: what is on them will be lost for ever"
          onChange={(event) => choice.setErase(event.currentTarget.checked)}
        />
      )}
    </div>
  );
}

const stateWords: Readonly<Record<DiskCandidate['state'], string>> = {
  free: 'free',
  'holds-data': 'holds data',
  'in-use': 'in use',
  unfit: 'cannot be used',
};
