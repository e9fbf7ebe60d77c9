/** The compose file byte for byte as somebody deployed it, and the way to the next revision. */
import { IconPencil } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { ActionButton } from '../../components/action-button.tsx';
import { CodeView } from '../../components/code-view.tsx';
import { CopyButton, Loading } from '../../components/page.tsx';
import { TroubleBox } from '../../components/trouble.tsx';
import { rest } from '../../live/clients.tsx';
import { usePast } from '../../live/past.ts';
import { troubleOf } from '../../live/use-command.ts';
import { useApp } from './use-app.ts';
import classes from './compose.module.css';

const Deploy = lazy(async () => ({ default: (await import('../../components/deploy.tsx')).Deploy }));

export function AppCompose() {
  const app = useApp();
  const { at } = usePast();
  const [isEditing, setEditing] = useState(false);
  const file = useQuery({
    queryKey: ['compose', app?.id, app?.revision, at],
    queryFn: () => rest.composeFile({ namespace: app?.namespace, name: app?.name ?? '' }, { at }),
    enabled: app !== undefined && app !== null,
  });
  if (!app) return null;
  if (file.error) return <TroubleBox trouble={troubleOf(file.error)} />;
  if (file.data === undefined) return <Loading lines={8} />;
  if (isEditing) {
    return (
      <Suspense fallback={<Loading lines={8} />}>
        <Deploy
          initial={file.data}
          app={{ namespace: app.namespace, name: app.name }}
          onCancel={() => setEditing(false)}
          onDone={() => setEditing(false)}
        />
      </Suspense>
    );
  }
  return (
    <>
      <div className={classes['bar']}>
        <span className="muted">Revision {app.revision}, as it was written</span>
        <CopyButton text={file.data} label="Copy the file" />
        <div className={classes['end']}>
          <ActionButton leftSection={<IconPencil size={14} />} onClick={() => setEditing(true)}>
            Edit
          </ActionButton>
        </div>
      </div>
      <CodeView text={file.data} label="Compose file" />
    </>
  );
}
