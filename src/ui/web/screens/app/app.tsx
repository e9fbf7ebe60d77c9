/** The page of an app: title line, main actions, tabs. */
import { Button, Menu } from '@mantine/core';
import {
  IconArrowsMove,
  IconDots,
  IconExternalLink,
  IconPlayerPlay,
  IconPlayerStop,
  IconRefresh,
  IconTrash,
} from '@tabler/icons-react';
import { Link, Outlet, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { unknownState } from '#projections/unheard.ts';
import type { AppRow } from '#projections/views/apps.ts';
import { isResting } from '#ui/client/address.ts';
import { ActionButton, ActionItem } from '../../components/action-button.tsx';
import { useLinkTo } from '../../components/app-address.tsx';
import { AppIcon } from '../../components/app-icon.tsx';
import { NodeLink } from '../../components/links.tsx';
import { Empty, Loading, Page } from '../../components/page.tsx';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { State } from '../../components/state.tsx';
import { Tabs } from '../../components/tabs.tsx';
import { Time } from '../../components/time.tsx';
import { thingTone, thingWords } from '../../format/state.ts';
import { useCommand } from '../../live/use-command.ts';
import { useView } from '../../live/use-view.ts';
import { MoveApp } from './move-app.tsx';
import { RemoveApp } from './remove-app.tsx';
import { useApp } from './use-app.ts';
import classes from './app.module.css';

/**
 * The part that its tab shows is always there, in the same place: without an app it shows nothing, but for an editor in
 * which somebody writes.
 */
export function AppPage() {
  const app = useApp();
  const { name = '' } = useParams({ strict: false });
  return (
    <Page title={app ? (app.title ?? app.name) : name} {...(app ? partsOf(app) : {})}>
      {app === undefined && <Loading />}
      {app === null && <NoApp name={name} />}
      <Outlet />
    </Page>
  );
}

const NoApp = ({ name }: { readonly name: string }) => (
  <Empty
    title={`There is no app ${name}`}
    action={<Button renderRoot={(props) => <Link to="/apps" {...props} />}>All apps</Button>}
  >
    It may have been removed. Activity still knows what happened to it.
  </Empty>
);

const base = '/apps/$namespace/$name';

const partsOf = (app: AppRow) => ({
  lead: <AppIcon app={app} large />,
  about: <About app={app} />,
  actions: <Actions app={app} />,
  tabs: (
    <Tabs
      label={`Parts of ${app.name}`}
      params={{ namespace: app.namespace, name: app.name }}
      tabs={[
        { to: base, title: 'Overview', exact: true },
        { to: `${base}/volumes`, title: 'Volumes', count: app.volumes.length },
        { to: `${base}/backups`, title: 'Backups' },
        { to: `${base}/logs`, title: 'Logs' },
        { to: `${base}/terminal`, title: 'Terminal' },
        { to: `${base}/compose`, title: 'Compose' },
        { to: `${base}/history`, title: 'History' },
        { to: `${base}/why`, title: 'Why' },
      ]}
    />
  ),
});

const About = ({ app }: { readonly app: AppRow }) => (
  <>
    <span className={classes['state']}>
      <State state={app.state} tone={thingTone(app)} words={thingWords(app)} />
      {app.node && (
        <span>
          on <NodeLink name={app.node.name} />
        </span>
      )}
      <span>
        for <Time at={app.since} as="since" />
      </span>
      {app.state === unknownState && app.lastHeardAt !== null && (
        <span>
          last heard <Time at={app.lastHeardAt} />
        </span>
      )}
    </span>
    {app.title !== null && app.title !== app.name && <code>{app.name}</code>}
    {app.instance && (
      <span data-tip="The index of its assignment: whoever holds an older one is refused">
        epoch {app.instance.epoch}
      </span>
    )}
    <span>revision {app.revision}</span>
  </>
);

function Actions({ app }: { readonly app: AppRow }) {
  const { run, isRunning } = useCommand();
  const link = useLinkTo(app);
  const navigate = useNavigate();
  const [isRemoving, setRemoving] = useState(false);
  const [isUpdating, setUpdating] = useState(false);
  const [isMoving, setMoving] = useState(false);
  const volumes = useView('volumes').rows.filter((volume) => volume.app?.id === app.id);
  const from = volumes[0]?.node?.name;
  const isOnItsWay = volumes.some(({ move }) => move?.node !== undefined && move.node !== null);
  const target = { namespace: app.namespace, name: app.name };
  const isOff = isResting(app);
  const hasNewer = Object.values(app.services).some(({ newer }) => newer !== null);
  const isGoing = app.state === 'removing' ? `${app.name} is being removed.` : undefined;
  const isAway =
    app.delay?.code === 'NODE_DOWN'
      ? `${app.delay.message} The app does not move to another node by itself yet.`
      : undefined;
  return (
    <>
      {link !== null && (
        <Button
          variant={isOff ? 'default' : 'filled'}
          rightSection={<IconExternalLink size={14} />}
          renderRoot={(props) => <a href={link} target="_blank" rel="noreferrer" {...props} />}
        >
          Open
        </Button>
      )}
      {isOff ? (
        <ActionButton
          variant="filled"
          loading={isRunning}
          leftSection={<IconPlayerPlay size={14} />}
          refused={isGoing}
          onClick={() => void run('start-app', target)}
        >
          Start
        </ActionButton>
      ) : (
        <>
          <ActionButton
            loading={isRunning}
            leftSection={<IconRefresh size={14} />}
            refused={isGoing ?? isAway}
            onClick={() => void run('restart-app', target)}
          >
            Restart
          </ActionButton>
          <ActionButton
            loading={isRunning}
            leftSection={<IconPlayerStop size={14} />}
            refused={isGoing ?? (app.state === 'stopping' ? `${app.name} is stopping.` : undefined)}
            onClick={() => void run('stop-app', target)}
          >
            Stop
          </ActionButton>
        </>
      )}
      <Menu>
        <Menu.Target>
          <Button variant="default" px={8} aria-label="More actions">
            <IconDots size={16} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {hasNewer ? (
            <ActionItem icon={<IconRefresh size={16} />} refused={isGoing ?? isAway} onClick={() => setUpdating(true)}>
              Update to the newer images…
            </ActionItem>
          ) : (
            <ActionItem
              icon={<IconRefresh size={16} />}
              refused={isGoing}
              onClick={() => void run('check-app-images', target)}
            >
              Look for newer images
            </ActionItem>
          )}
          {isOnItsWay ? (
            <ActionItem icon={<IconArrowsMove size={16} />} onClick={() => void run('cancel-app-move', target)}>
              Call the move off
            </ActionItem>
          ) : (
            <ActionItem
              icon={<IconArrowsMove size={16} />}
              refused={
                isGoing ?? (from === undefined ? 'Its placement says where it runs: it has no volumes.' : undefined)
              }
              onClick={() => setMoving(true)}
            >
              Move to another node…
            </ActionItem>
          )}
          <ActionItem danger icon={<IconTrash size={16} />} refused={isGoing} onClick={() => setRemoving(true)}>
            Remove…
          </ActionItem>
        </Menu.Dropdown>
      </Menu>
      {isUpdating && (
        <PlanDialog
          title={`Update ${app.name}`}
          command="update-app"
          input={target}
          confirm="Update"
          undo="To go back, name the earlier image in the compose file by its digest: name@sha256:…"
          onClose={() => setUpdating(false)}
        />
      )}
      {isMoving && from !== undefined && <MoveApp app={app} from={from} onClose={() => setMoving(false)} />}
      {isRemoving && (
        <RemoveApp app={app} onClose={() => setRemoving(false)} onDone={() => void navigate({ to: '/apps' })} />
      )}
    </>
  );
}
