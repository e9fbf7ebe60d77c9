/** Which disks of a machine are taken: as they are at this moment, and what is on them, which would be lost. */
import { Checkbox } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { formatSize } from '#events/values/size.ts';
import type { DiskCandidate } from '#io/contract/disks.ts';
import { Loading } from '../../components/page.tsx';
import { TroubleBox } from '../../components/trouble.tsx';
import { rest } from '../../live/clients.tsx';
import { troubleOf } from '../../live/use-command.ts';
import classes from './pools.module.css';

export interface Choice {
  readonly paths: string[];
  /** Of those that were chosen, the ones that hold something. */
  readonly losing: readonly DiskCandidate[];
  /** What one of them holds is to be lost. */
  readonly erase: boolean;
  toggle(disk: DiskCandidate): void;
  setErase(erase: boolean): void;
  readonly mayErase: boolean;
}

/** @param most how many may be chosen */
export function useChoice(most = 64): Choice {
  const [disks, setDisks] = useState<readonly DiskCandidate[]>([]);
  const [mayErase, setMayErase] = useState(false);
  return {
    paths: disks.map(({ path }) => path),
    losing: disks.filter(({ state }) => state === 'holds-data'),
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
export function Disks({ node, choice }: { readonly node: string; readonly choice: Choice }) {
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
      {choice.losing.length > 0 && (
        <div className={classes['losing']} role="alert">
          Would be erased:
          <ul>
            {choice.losing.map(({ path, why }) => (
              <li key={path}>
                <code>{path}</code>: {why.join(', ')}
              </li>
            ))}
          </ul>
        </div>
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
