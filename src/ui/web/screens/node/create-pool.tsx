/** A pool is made of disks, or in one file beside the other data of the node. */
import { NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { driversOf, fewestDevices, minFilePoolBytes } from '#actors/pool/layouts.ts';
import { poolCommands } from '#actors/pool/commands.ts';
import { poolLayout, type PoolLayout } from '#events/values/pool.ts';
import { formatSize, parseSize } from '#events/values/size.ts';
import type { NodeRow } from '#projections/views/nodes.ts';
import type { PoolRow } from '#projections/views/pools.ts';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { freePoolName, layoutWords, poolNameTrouble } from '../../format/pool-words.ts';
import { count } from '../../format/who.ts';
import { Disks, useChoice } from './disk-choice.tsx';

interface CreateProps {
  readonly node: NodeRow;
  /** Of the node. */
  readonly pools: readonly PoolRow[];
  readonly onClose: () => void;
}

type Driver = 'btrfs' | 'zfs';
const anyDriver = '';

export function CreatePool({ node, pools, onClose }: CreateProps) {
  const taken = [...pools.map((pool) => pool.name), ...node.facts.pools.map((pool) => pool.name)];
  const [name, setName] = useState(() => freePoolName(taken));
  const [on, setOn] = useState<'disks' | 'file'>('disks');
  const [layout, setLayout] = useState<PoolLayout>('mirror');
  const [driver, setDriver] = useState<Driver>();
  const [size, setSize] = useState('20GiB');
  const [file, setFile] = useState('');
  const choice = useChoice();
  const { shape } = poolCommands['create-pool'];
  const sizeBytes = shape.sizeBytes.safeParse(parseSize(size));
  const drivers = on === 'file' ? driversOf('single') : driversOf(layout);
  const chosen = drivers.find((one) => one === driver);
  const leastBytes = minFilePoolBytes[chosen ?? drivers[0] ?? 'btrfs'];
  const isLargeEnough = sizeBytes.success && (sizeBytes.data ?? 0) >= leastBytes;
  const path = file.trim() === '' ? undefined : shape.file.safeParse(file.trim());
  const wrongName = taken.includes(name) ? `Node ${node.name} has a pool ${name} already.` : poolNameTrouble(name);
  const isInFile = on === 'file';
  const lacks = fewestDevices[layout] - choice.paths.length;
  const isPlaced = isInFile ? isLargeEnough && path?.success !== false : lacks <= 0;
  const isReady = wrongName === undefined && isPlaced;
  const storage = isInFile
    ? {
        layout: 'single' as const,
        sizeBytes: isLargeEnough ? (sizeBytes.data ?? leastBytes) : leastBytes,
        ...(path?.success ? { file: path.data } : {}),
      }
    : { layout, erase: choice.erase, devices: isPlaced ? choice.paths : ['/dev/none'] };
  return (
    <PlanDialog
      title={`Make a pool on ${node.name}`}
      command="create-pool"
      input={{ node: node.name, name, ...storage, ...(chosen === undefined ? {} : { driver: chosen }) }}
      confirm="Make the pool"
      size={560}
      isReady={isReady}
      isBegun={isReady}
      danger={!isInFile && choice.erase}
      typeName={!isInFile && choice.erase ? name : undefined}
      undo={
        isInFile
          ? 'A pool can be forgotten; its file stays. It is scrubbed once a month; the schedule can be changed.'
          : 'A pool can be forgotten; its disks keep what is on them. It is scrubbed once a month; the schedule can be changed.'
      }
      onClose={onClose}
    >
      <TextInput label="Name" value={name} error={wrongName} onChange={(event) => setName(event.currentTarget.value)} />
      <NativeSelect
        label="Made of"
        data={[
          { value: 'disks', label: 'Disks of this machine' },
          { value: 'file', label: 'One file beside its other data' },
        ]}
        value={on}
        onChange={(event) => setOn(event.currentTarget.value === 'file' ? 'file' : 'disks')}
      />
      {isInFile ? (
        <>
          <TextInput
            label="Size"
            description="It is taken from the file system at once, so that it cannot fill up under the pool."
            value={size}
            error={
              isLargeEnough
                ? undefined
                : `Write a number with its unit, at least ${formatSize(leastBytes)} for ${chosen ?? drivers[0]}: 20GiB.`
            }
            onChange={(event) => setSize(event.currentTarget.value)}
          />
          <TextInput
            label="File"
            description="Empty: beside the other data of the node."
            placeholder="/srv/pool.img"
            spellCheck={false}
            value={file}
            error={path?.success === false ? 'Write an absolute path: /srv/pool.img.' : undefined}
            onChange={(event) => setFile(event.currentTarget.value)}
          />
        </>
      ) : (
        <>
          <NativeSelect
            label="How disks are put together"
            description={lacks > 0 ? `It takes at least ${count(fewestDevices[layout], 'disk')}.` : undefined}
            data={poolLayout.options.map((value) => ({ value, label: layoutWords[value] }))}
            value={layout}
            onChange={(event) => setLayout(poolLayout.parse(event.currentTarget.value))}
          />
          <Disks node={node.name} choice={choice} />
        </>
      )}
      <NativeSelect
        label="File system"
        disabled={drivers.length === 1}
        data={[
          { value: anyDriver, label: `The usual one, ${drivers[0]}` },
          ...drivers.map((value) => ({ value, label: value })),
        ]}
        value={chosen ?? anyDriver}
        onChange={(event) => setDriver(drivers.find((one) => one === event.currentTarget.value))}
      />
    </PlanDialog>
  );
}
