/** A volume as a whole: given back, and taken over. */
import { NativeSelect, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { isName, nameRule } from '#events/values/name.ts';
import { formatSize, minVolumeBytes, parseSize } from '#events/values/size.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { parseLabels } from '../../format/label-text.ts';
import { keepTrouble } from '../../format/volume-draft.ts';
import { rest } from '../../live/clients.tsx';
import { troubleOf } from '../../live/use-command.ts';
import { useView } from '../../live/use-view.ts';
import { keepHelp } from './new-volume.tsx';

interface OfVolume {
  readonly volume: VolumeRow;
  readonly onClose: () => void;
}

const targetOf = ({ namespace, name }: VolumeRow) => ({ namespace, name });
export const ReleaseVolume = ({ volume, onClose, onDone }: OfVolume & { readonly onDone: () => void }) => (
  <PlanDialog
    title={`Release ${volume.name}`}
    command="release-volume"
    input={targetOf(volume)}
    confirm="Release volume"
    undo={`${volume.adopted} stays as it is, with its files, and can be adopted again. Snapshots that were taken here go.`}
    onClose={onClose}
    onDone={onDone}
  />
);

export function AdoptVolume({ onClose }: { readonly onClose: () => void }) {
  const places = useView('nodes').rows.flatMap(({ name: node, facts }) =>
    facts.pools.map((pool) => ({ key: `${node}/${pool.name}`, node, pool: pool.name, driver: pool.driver })),
  );
  const [chosen, setChosen] = useState<string>();
  const [native, setNative] = useState('');
  /** From the list: then nothing has to be written. */
  const [isPicked, setPicked] = useState(false);
  const [name, setName] = useState('');
  const [size, setSize] = useState('100GiB');
  const [keep, setKeep] = useState('');
  const [labelText, setLabels] = useState('');
  const labels = parseLabels(labelText);
  const place = places.find(({ key }) => key === chosen) ?? places[0];
  const sizeBytes = parseSize(size);
  const wrongSize = sizeBytes === undefined || sizeBytes < minVolumeBytes;
  const isReady =
    place !== undefined &&
    native.trim() !== '' &&
    isName(name) &&
    !wrongSize &&
    keepTrouble(keep) === undefined &&
    labels !== undefined;
  const input = {
    name: isName(name) ? name : 'unnamed',
    node: place?.node ?? '',
    pool: place?.pool ?? '',
    native: native.trim() === '' ? '/' : native.trim(),
    spec: {
      sizeBytes: wrongSize ? minVolumeBytes : sizeBytes,
      ...(keep.trim() === '' || keepTrouble(keep) !== undefined ? {} : { keep: keep.trim() }),
    },
    ...(labels === undefined ? {} : { labels }),
  };
  return (
    <PlanDialog
      title="Adopt what is there already"
      command="adopt-volume"
      input={input}
      confirm="Adopt"
      isReady={isReady}
      isBegun={isReady}
      size={520}
      undo="Release the volume: what was adopted is then as it is by then, and no volume any more."
      onClose={onClose}
    >
      <NativeSelect
        label="Pool"
        data={places.map(({ key, driver }) => ({ value: key, label: `${key} (${driver})` }))}
        value={place?.key ?? ''}
        onChange={(event) => {
          setChosen(event.currentTarget.value);
          setPicked(false);
          setNative('');
        }}
      />
      {place && (
        <Found
          node={place.node}
          pool={place.pool}
          chosen={isPicked ? native : ''}
          onChoose={(found) => {
            setPicked(found !== '');
            setNative(found);
            const last = found.split('/').at(-1) ?? '';
            if (name === '' && isName(last)) setName(last);
          }}
        />
      )}
      {!isPicked && (
        <TextInput
          label={place?.driver === 'zfs' ? 'Dataset' : 'Folder'}
          description={
            place?.driver === 'zfs'
              ? 'The name of a dataset of this zpool. It stays where it is.'
              : 'The path of a subvolume in this pool. It stays where it is.'
          }
          placeholder={place?.driver === 'zfs' ? 'tank/photos' : '/mnt/pool/photos'}
          data-autofocus
          spellCheck={false}
          value={native}
          onChange={(event) => setNative(event.currentTarget.value)}
        />
      )}
      <TextInput
        label="Name"
        placeholder="photos"
        value={name}
        error={name === '' || isName(name) ? undefined : `For names, ${nameRule}.`}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TextInput
        label="Size"
        description="How large it may grow; the quota that it has comes back when it is released."
        value={size}
        error={wrongSize ? 'Write a number with its unit: 100GiB.' : undefined}
        onChange={(event) => setSize(event.currentTarget.value)}
      />
      <TextInput
        label="Snapshots to keep"
        description={keepHelp}
        value={keep}
        error={keepTrouble(keep)}
        onChange={(event) => setKeep(event.currentTarget.value)}
      />
      <TextInput
        label="Labels"
        placeholder="team=home"
        value={labelText}
        error={labels === undefined ? 'Write for example team=home.' : undefined}
        onChange={(event) => setLabels(event.currentTarget.value)}
      />
    </PlanDialog>
  );
}

interface FoundProps {
  readonly node: string;
  readonly pool: string;
  readonly chosen: string;
  readonly onChoose: (native: string) => void;
}

/** What lies in the pool, as its node sees it now; what cannot be adopted says why. */
function Found({ node, pool, chosen, onChoose }: FoundProps) {
  const found = useQuery({
    queryKey: ['candidates', node, pool],
    queryFn: ({ signal }) => rest.volumeCandidates(node, pool, { signal }),
    retry: false,
    gcTime: 0,
  });
  const items = found.data?.items ?? [];
  const told = found.error
    ? troubleOf(found.error).title
    : !found.data
      ? 'Looking into the pool …'
      : items.length === 0
        ? 'Nothing but what FloatLab made itself.'
        : found.data.truncated
          ? 'There is more than is shown here.'
          : undefined;
  const words = ({ native, usedBytes, why }: (typeof items)[number]): string =>
    `${native}${usedBytes === null ? '' : `, ${formatSize(usedBytes)}`}${why === null ? '' : ` – ${why}`}`;
  return (
    <NativeSelect
      label="What is there"
      description={told}
      disabled={items.length === 0}
      data={[
        { value: '', label: items.length === 0 ? 'Write it below' : 'Choose, or write it below' },
        ...items.map((item) => ({ value: item.native, label: words(item), disabled: item.why !== null })),
      ]}
      value={items.some(({ native, why }) => native === chosen && why === null) ? chosen : ''}
      onChange={(event) => onChoose(event.currentTarget.value)}
    />
  );
}
