/** What can be done to the disks of a node: each with what would happen, and what is on a disk before it is taken. */
import { NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { driversOf } from '#actors/pool/layouts.ts';
import { poolLayout, type PoolLayout } from '#events/values/pool.ts';
import { formatSize, parseSize } from '#events/values/size.ts';
import { nodeCommands } from '#actors/node/commands.ts';
import type { PoolRow } from '#projections/views/pools.ts';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { layoutWords, poolNameTrouble } from '../../format/pool-words.ts';
import { plainSize } from '../../format/volume-draft.ts';
import { Disks, useChoice } from './disk-choice.tsx';

interface OfNode {
  readonly node: string;
  readonly onClose: () => void;
}
interface OfPool {
  readonly pool: PoolRow;
  readonly onClose: () => void;
}

const asItIs = '';

export function AddDevices({ pool, onClose }: OfPool) {
  const choice = useChoice();
  const [layout, setLayout] = useState<PoolLayout>();
  const layouts = poolLayout.options.filter((one) => driversOf(one).some((driver) => driver === pool.driver));
  return (
    <PlanDialog
      title={`Add devices to ${pool.name}`}
      command="add-pool-devices"
      input={{
        node: pool.node.name,
        name: pool.name,
        devices: choice.paths.length === 0 ? ['/dev/none'] : choice.paths,
        ...(layout === undefined ? {} : { layout }),
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
      <NativeSelect
        label="How disks are put together"
        data={[
          { value: asItIs, label: 'As in the pool so far' },
          ...layouts.map((value) => ({ value, label: layoutWords[value] })),
        ]}
        value={layout ?? asItIs}
        onChange={(event) => setLayout(poolLayout.safeParse(event.currentTarget.value).data)}
      />
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

/** How much of a pool volumes may be promised: copy-on-write file systems suffer when they are full. */
export function LimitPool({ pool, onClose }: OfPool) {
  const { fillPercent: fillNow, reserveBytes: reserveNow } = pool.limits ?? { fillPercent: 80, reserveBytes: 0 };
  const [fill, setFill] = useState(`${fillNow}`);
  const [reserve, setReserve] = useState(reserveNow === 0 ? '0' : plainSize(reserveNow));
  const { shape } = nodeCommands['limit-pool'];
  const fillPercent = shape.fillPercent.safeParse(Number(/^(\d{1,3})\s*%?$/.exec(fill.trim())?.[1]));
  const reserveBytes = reserve.trim() === '' ? 0 : parseSize(reserve);
  const isOtherReserve = reserve !== (reserveNow === 0 ? '0' : plainSize(reserveNow));
  const isReady = fillPercent.success && reserveBytes !== undefined;
  return (
    <PlanDialog
      title={`Limit ${pool.name}`}
      command="limit-pool"
      input={{
        name: pool.node.name,
        pool: pool.name,
        ...(fillPercent.success && fillPercent.data !== fillNow ? { fillPercent: fillPercent.data } : {}),
        ...(reserveBytes !== undefined && isOtherReserve ? { reserveBytes } : {}),
      }}
      confirm="Set limits"
      isReady={isReady}
      undo="Change it back at any time. Volumes that are there keep what they were promised."
      onClose={onClose}
    >
      <TextInput
        label="Promised to volumes at most, in percent"
        description={`Now ${formatSize(pool.reservedBytes)} of ${formatSize(pool.promisableBytes)} are promised. Copy-on-write file systems become slow when they are full.`}
        data-autofocus
        value={fill}
        error={fillPercent.success ? undefined : 'Write a number from 1 to 100.'}
        onChange={(event) => setFill(event.currentTarget.value)}
      />
      <TextInput
        label="Left to others"
        description="Room that something else on this machine needs. 0: none."
        placeholder="20GiB"
        value={reserve}
        error={reserveBytes === undefined ? 'Write a number with its unit: 20GiB.' : undefined}
        onChange={(event) => setReserve(event.currentTarget.value)}
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
  const wrongName = poolNameTrouble(name);
  const isReady = name !== '' && wrongName === undefined && where !== '';
  return (
    <PlanDialog
      title={`Adopt a pool on ${node}`}
      command="adopt-pool"
      input={{ node, name: isReady ? name : 'unnamed', driver, where: where === '' ? '/' : where }}
      confirm="Adopt"
      isReady={isReady}
      isBegun={isReady}
      undo="Forget it at any time: what is in it stays as it is."
      onClose={onClose}
    >
      <TextInput
        label="Name"
        placeholder="fast"
        value={name}
        error={name === '' ? undefined : wrongName}
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
