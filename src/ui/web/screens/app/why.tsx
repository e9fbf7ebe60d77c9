import { appMachine } from '#actors/app/machine.ts';
import { Why } from '../../components/why.tsx';
import { useView } from '../../live/use-view.ts';
import { useApp } from './use-app.ts';

export function AppWhy() {
  const app = useApp();
  const work = useView('work');
  if (!app) return null;
  return (
    <Why
      id={app.id}
      name={app.name}
      state={app.decided}
      since={app.since}
      machine={appMachine.config}
      waits={app.delay?.message}
      work={work.rows.filter(
        (row) =>
          (row.app === app.id || app.volumes.some(({ id }) => id === row.subject)) && row.work !== 'watch-instance',
      )}
    />
  );
}
