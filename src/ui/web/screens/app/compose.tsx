/** The compose file byte for byte as somebody deployed it, earlier revisions of it, and the way to the next one. */
import { IconHistory, IconPencil } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import type { AppRow } from '#projections/views/apps.ts';
import { ActionButton } from '../../components/action-button.tsx';
import { CodeView } from '../../components/code-view.tsx';
import { CopyButton, Loading } from '../../components/page.tsx';
import { Time } from '../../components/time.tsx';
import { TroubleBox } from '../../components/trouble.tsx';
import { ago } from '../../format/time.ts';
import { rest } from '../../live/clients.tsx';
import { useNow } from '../../live/now.tsx';
import { usePast } from '../../live/past.ts';
import { troubleOf } from '../../live/use-command.ts';
import { useApp } from './use-app.ts';
import { useRevisions, type Revision } from './use-revisions.ts';
import classes from './compose.module.css';

const Deploy = lazy(async () => ({ default: (await import('../../components/deploy.tsx')).Deploy }));

/** What the editor began with: it stays as it is, whatever others deploy meanwhile. */
interface Editing {
  readonly text: string;
  /** An earlier revision that is to come back. */
  readonly from?: Revision;
}

/** What is written for one app is not shown for another one. */
export function AppCompose() {
  const { namespace = '', name = '' } = useParams({ strict: false });
  return <Compose key={`${namespace}/${name}`} namespace={namespace} name={name} />;
}

/**
 * The editor needs no row: what somebody writes stays while the rows of another moment are on their way, where the app
 * was not there yet, and when somebody else removes it.
 */
function Compose({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  const app = useApp();
  const { isPast } = usePast();
  const [editing, setEditing] = useState<Editing>();
  const revisions = useRevisions(app);
  if (!editing) return app ? <File app={app} revisions={revisions} onEdit={setEditing} /> : null;
  const close = (): void => setEditing(undefined);
  const { from } = editing;
  return (
    <Suspense fallback={<Loading lines={8} />}>
      <Deploy
        initial={editing.text}
        app={{ namespace, name }}
        note={from && app && !isPast && <ReturnNote app={app} from={from} now={revisions[0]} />}
        onCancel={close}
        onDone={close}
      />
    </Suspense>
  );
}

interface FileProps {
  readonly app: AppRow;
  readonly revisions: readonly Revision[];
  readonly onEdit: (editing: Editing) => void;
}

function File({ app, revisions, onEdit }: FileProps) {
  const { at } = usePast();
  const [chosen, setChosen] = useState<number>();
  const earlier = revisions.slice(1).find(({ number }) => number === chosen);
  const file = useQuery({
    queryKey: ['compose', app.id, earlier?.number ?? app.revision, earlier?.index ?? at],
    queryFn: () => rest.composeFile({ namespace: app.namespace, name: app.name }, { at: earlier?.index ?? at }),
    placeholderData: keepPreviousData,
  });
  const text = file.error ? undefined : file.data;
  if (text === undefined && !file.error) return <Loading lines={8} />;
  return (
    <>
      <div className={classes['bar']}>
        {earlier ? (
          <span className="muted">
            Revision {earlier.number}, as {earlier.who} deployed it <Time at={earlier.at} />
          </span>
        ) : (
          <span className="muted">Revision {app.revision}, as it was written</span>
        )}
        {text !== undefined && <CopyButton text={text} label="Copy the file" />}
        <div className={classes['end']}>
          {revisions.length > 1 && (
            <ChooseRevision revisions={revisions} chosen={earlier ?? revisions[0]} onChoose={setChosen} />
          )}
          {text === undefined ? null : earlier ? (
            <ActionButton
              leftSection={<IconHistory size={14} />}
              disabled={file.isPlaceholderData}
              onClick={() => onEdit({ text, from: earlier })}
            >
              Return to revision {earlier.number}
            </ActionButton>
          ) : (
            <ActionButton
              leftSection={<IconPencil size={14} />}
              disabled={file.isPlaceholderData}
              onClick={() => onEdit({ text })}
            >
              Edit
            </ActionButton>
          )}
        </div>
      </div>
      {file.error && <TroubleBox trouble={troubleOf(file.error)} />}
      {text !== undefined && <CodeView text={text} label="Compose file" />}
    </>
  );
}

interface ChooseProps {
  readonly revisions: readonly Revision[];
  readonly chosen: Revision | undefined;
  readonly onChoose: (number: number) => void;
}

function ChooseRevision({ revisions, chosen, onChoose }: ChooseProps) {
  const now = useNow();
  return (
    <select
      className={classes['select']}
      aria-label="Revision"
      value={chosen?.number}
      onChange={(event) => onChoose(Number(event.target.value))}
    >
      {revisions.map(({ number, at, who }, n) => (
        <option key={number} value={number}>
          Revision {number}
          {n === 0 ? ', the present one' : `, ${ago(at, now)} by ${who}`}
        </option>
      ))}
    </select>
  );
}

interface ReturnProps {
  readonly app: AppRow;
  readonly from: Revision;
  readonly now: Revision | undefined;
}

const ReturnNote = ({ app, from, now }: ReturnProps) => (
  <p>
    The file of revision {from.number} would come back as revision {app.revision + 1}. Volumes keep the data that they
    have now.
    {from.files !== (now?.files ?? null) &&
      ' Other files lay beside it then: they do not come back, those of the last revision stay.'}
  </p>
);
