/**
 * Every screen has an address, tabs and filters included; `?at=` goes along from screen to screen. Only the overview is
 * in the first load, the others come when somebody goes there.
 */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  retainSearchParams,
  type ErrorComponentProps,
} from '@tanstack/react-router';
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Empty, Page } from './components/page.tsx';
import { listSearch } from './format/list-search.ts';
import { momentIn } from './format/moment.ts';
import { NowProvider } from './live/now.tsx';
import { filesSearch } from './screens/volume/files-search.ts';
import { Shell } from './shell/shell.tsx';

export interface RootSearch {
  /** An index, or a time in ISO 8601. */
  readonly at?: number | string;
}

/** The address bar's `?at=812` arrives as a number, `?q=web` as text; anything else was not written by hand. */
const textOf = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? `${value}` : '');

/** A screen that could not be loaded or shown; the frame around it stays. */
const Mistake = ({ error }: ErrorComponentProps) => (
  <Page title="This screen failed">
    <Empty title="The web app made a mistake" action={<Button onClick={() => location.reload()}>Reload</Button>}>
      {error instanceof Error ? error.message : String(error)}. The lab is not affected. When the lab was upgraded just
      now, reloading is enough.
    </Empty>
  </Page>
);

const rootRoute = createRootRoute({
  component: () => (
    <NowProvider>
      <Shell />
    </NowProvider>
  ),
  validateSearch: (search: Record<string, unknown>): RootSearch => {
    const at = search['at'] === undefined ? undefined : momentIn(textOf(search['at']));
    return at === undefined || at === 0 ? {} : { at };
  },
  search: { middlewares: [retainSearchParams(['at'])] },
  notFoundComponent: () => (
    <Page title="Nothing here">
      <Empty
        title="This address leads nowhere"
        action={<Button renderRoot={(props) => <Link to="/" {...props} />}>Go to the overview</Button>}
      >
        The thing may have been removed, or the address has a slip of the pen.
      </Empty>
    </Page>
  ),
  errorComponent: (props: ErrorComponentProps) => (
    <main>
      <Mistake {...props} />
    </main>
  ),
});

const overview = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  component: lazyRouteComponent(() => import('./screens/overview.tsx'), 'Overview'),
});

const apps = createRoute({
  getParentRoute: () => rootRoute,
  path: '/apps',
  component: lazyRouteComponent(() => import('./screens/apps.tsx'), 'Apps'),
  validateSearch: listSearch,
});
const newApp = createRoute({
  getParentRoute: () => rootRoute,
  path: '/apps/new',
  component: lazyRouteComponent(() => import('./screens/new-app.tsx'), 'NewApp'),
});
const app = createRoute({
  getParentRoute: () => rootRoute,
  path: '/apps/$namespace/$name',
  component: lazyRouteComponent(() => import('./screens/app/app.tsx'), 'AppPage'),
});
const appOverview = createRoute({
  getParentRoute: () => app,
  path: '/',
  component: lazyRouteComponent(() => import('./screens/app/overview.tsx'), 'AppOverview'),
});
const appVolumes = createRoute({
  getParentRoute: () => app,
  path: '/volumes',
  component: lazyRouteComponent(() => import('./screens/app/volumes.tsx'), 'AppVolumes'),
});
const appBackups = createRoute({
  getParentRoute: () => app,
  path: '/backups',
  component: lazyRouteComponent(() => import('./screens/app/backups.tsx'), 'AppBackups'),
});
const appLogs = createRoute({
  getParentRoute: () => app,
  path: '/logs',
  component: lazyRouteComponent(() => import('./screens/app/logs.tsx'), 'AppLogs'),
});
const appTerminal = createRoute({
  getParentRoute: () => app,
  path: '/terminal',
  component: lazyRouteComponent(() => import('./screens/app/terminal.tsx'), 'AppTerminal'),
});
const appCompose = createRoute({
  getParentRoute: () => app,
  path: '/compose',
  component: lazyRouteComponent(() => import('./screens/app/compose.tsx'), 'AppCompose'),
});
const appHistory = createRoute({
  getParentRoute: () => app,
  path: '/history',
  component: lazyRouteComponent(() => import('./screens/app/history.tsx'), 'AppHistory'),
});
const appWhy = createRoute({
  getParentRoute: () => app,
  path: '/why',
  component: lazyRouteComponent(() => import('./screens/app/why.tsx'), 'AppWhy'),
});

const volumes = createRoute({
  getParentRoute: () => rootRoute,
  path: '/volumes',
  component: lazyRouteComponent(() => import('./screens/volumes.tsx'), 'Volumes'),
  validateSearch: listSearch,
});
const replicas = createRoute({
  getParentRoute: () => rootRoute,
  path: '/volumes/replicas',
  component: lazyRouteComponent(() => import('./screens/replicas.tsx'), 'Replicas'),
  validateSearch: listSearch,
});
const volume = createRoute({
  getParentRoute: () => rootRoute,
  path: '/volumes/$namespace/$name',
  component: lazyRouteComponent(() => import('./screens/volume/volume.tsx'), 'VolumePage'),
});
const volumeSnapshots = createRoute({
  getParentRoute: () => volume,
  path: '/',
  component: lazyRouteComponent(() => import('./screens/volume/snapshots.tsx'), 'VolumeSnapshots'),
});
const volumeFiles = createRoute({
  getParentRoute: () => volume,
  path: '/files',
  component: lazyRouteComponent(() => import('./screens/volume/files.tsx'), 'VolumeFiles'),
  validateSearch: filesSearch,
});
const volumeReplicas = createRoute({
  getParentRoute: () => volume,
  path: '/replicas',
  component: lazyRouteComponent(() => import('./screens/volume/replicas.tsx'), 'VolumeReplicas'),
});
const volumeBackups = createRoute({
  getParentRoute: () => volume,
  path: '/backups',
  component: lazyRouteComponent(() => import('./screens/volume/backups.tsx'), 'VolumeBackups'),
});
const volumeHistory = createRoute({
  getParentRoute: () => volume,
  path: '/history',
  component: lazyRouteComponent(() => import('./screens/volume/history.tsx'), 'VolumeHistory'),
});
const volumeWhy = createRoute({
  getParentRoute: () => volume,
  path: '/why',
  component: lazyRouteComponent(() => import('./screens/volume/why.tsx'), 'VolumeWhy'),
});

const backups = createRoute({
  getParentRoute: () => rootRoute,
  path: '/backups',
  component: lazyRouteComponent(() => import('./screens/backups/backups.tsx'), 'Backups'),
  validateSearch: listSearch,
});
const backupsByApp = createRoute({
  getParentRoute: () => rootRoute,
  path: '/backups/apps',
  component: lazyRouteComponent(() => import('./screens/backups/by-app.tsx'), 'BackupsByApp'),
  validateSearch: listSearch,
});
const targets = createRoute({
  getParentRoute: () => rootRoute,
  path: '/backups/targets',
  component: lazyRouteComponent(() => import('./screens/backups/targets.tsx'), 'BackupTargets'),
  validateSearch: listSearch,
});
const target = createRoute({
  getParentRoute: () => rootRoute,
  path: '/backups/targets/$name',
  component: lazyRouteComponent(() => import('./screens/backups/target.tsx'), 'TargetPage'),
});
const targetBackups = createRoute({
  getParentRoute: () => target,
  path: '/',
  component: lazyRouteComponent(() => import('./screens/backups/target-backups.tsx'), 'TargetBackups'),
  validateSearch: listSearch,
});
const targetHistory = createRoute({
  getParentRoute: () => target,
  path: '/history',
  component: lazyRouteComponent(() => import('./screens/backups/target-history.tsx'), 'TargetHistory'),
});
const targetWhy = createRoute({
  getParentRoute: () => target,
  path: '/why',
  component: lazyRouteComponent(() => import('./screens/backups/target-why.tsx'), 'TargetWhy'),
});

const nodes = createRoute({
  getParentRoute: () => rootRoute,
  path: '/nodes',
  component: lazyRouteComponent(() => import('./screens/nodes.tsx'), 'Nodes'),
  validateSearch: listSearch,
});
const node = createRoute({
  getParentRoute: () => rootRoute,
  path: '/nodes/$name',
  component: lazyRouteComponent(() => import('./screens/node/node.tsx'), 'NodePage'),
});
const nodeOverview = createRoute({
  getParentRoute: () => node,
  path: '/',
  component: lazyRouteComponent(() => import('./screens/node/overview.tsx'), 'NodeOverview'),
});
const nodePools = createRoute({
  getParentRoute: () => node,
  path: '/pools',
  component: lazyRouteComponent(() => import('./screens/node/pools.tsx'), 'NodePools'),
});
const nodeAdopt = createRoute({
  getParentRoute: () => node,
  path: '/adopt',
  component: lazyRouteComponent(() => import('./screens/node/adopt.tsx'), 'NodeAdopt'),
});
const nodeHistory = createRoute({
  getParentRoute: () => node,
  path: '/history',
  component: lazyRouteComponent(() => import('./screens/node/history.tsx'), 'NodeHistory'),
});
const nodeWhy = createRoute({
  getParentRoute: () => node,
  path: '/why',
  component: lazyRouteComponent(() => import('./screens/node/why.tsx'), 'NodeWhy'),
});

const schedules = createRoute({
  getParentRoute: () => rootRoute,
  path: '/schedules',
  component: lazyRouteComponent(() => import('./screens/schedules.tsx'), 'Schedules'),
  validateSearch: listSearch,
});
const alerts = createRoute({
  getParentRoute: () => rootRoute,
  path: '/alerts',
  component: lazyRouteComponent(() => import('./screens/alerts.tsx'), 'Alerts'),
});

export interface ActivitySearch {
  readonly q?: string;
  readonly kind?: string;
  /** Only what one operation or command led to. */
  readonly of?: string;
}
const activity = createRoute({
  getParentRoute: () => rootRoute,
  path: '/activity',
  component: lazyRouteComponent(() => import('./screens/activity.tsx'), 'Activity'),
  validateSearch: (search: Record<string, unknown>): ActivitySearch => ({
    ...(search['q'] === undefined || search['q'] === '' ? {} : { q: textOf(search['q']) }),
    ...(typeof search['kind'] === 'string' ? { kind: search['kind'] } : {}),
    ...(search['of'] === undefined ? {} : { of: textOf(search['of']) }),
  }),
});
const settings = createRoute({
  getParentRoute: () => rootRoute,
  path: '/settings',
  component: lazyRouteComponent(() => import('./screens/settings.tsx'), 'Settings'),
});

const routeTree = rootRoute.addChildren([
  overview,
  apps,
  newApp,
  app.addChildren([appOverview, appVolumes, appBackups, appLogs, appTerminal, appCompose, appHistory, appWhy]),
  volumes,
  replicas,
  volume.addChildren([volumeSnapshots, volumeFiles, volumeReplicas, volumeBackups, volumeHistory, volumeWhy]),
  backups,
  backupsByApp,
  targets,
  target.addChildren([targetBackups, targetHistory, targetWhy]),
  nodes,
  node.addChildren([nodeOverview, nodePools, nodeAdopt, nodeHistory, nodeWhy]),
  schedules,
  alerts,
  activity,
  settings,
]);

export const router = createRouter({ routeTree, defaultPreload: 'intent', defaultErrorComponent: Mistake });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
