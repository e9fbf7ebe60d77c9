import { volumeMachine } from '#actors/volume/machine.ts';
import { Why } from '../../components/why.tsx';
import { useView } from '../../live/use-view.ts';
import { useVolume } from './use-volume.ts';

const waits: Readonly<Record<string, string>> = {
  unplaced: 'A place: the placement policy looks for a node with enough room.',
  draining: 'The app to let go of it: the roll-back begins when nothing uses the volume any more.',
  failed: 'A person: mend the cause, then try again.',
};

export function VolumeWhy() {
  const volume = useVolume();
  const work = useView('work');
  if (!volume) return null;
  return (
    <Why
      id={volume.id}
      name={volume.name}
      state={volume.state}
      since={volume.since}
      machine={volumeMachine.config}
      waits={volume.delay?.message ?? waits[volume.state]}
      work={work.rows.filter(({ subject }) => subject === volume.id)}
    />
  );
}
