/** The frame around every screen: where one can go, how the lab is doing, what is going on. */
import {
  IconActivity,
  IconApps,
  IconArchive,
  IconBell,
  IconCalendarTime,
  IconDatabase,
  IconDots,
  IconLayoutDashboard,
  IconServer2,
  IconSettings,
} from '@tabler/icons-react';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState, type ReactNode } from 'react';
import { Button, Menu } from '@mantine/core';
import { Logo } from '../components/logo.tsx';
import { Empty, Loading, Page } from '../components/page.tsx';
import { TipLayer } from '../components/tip.tsx';
import { Toasts } from '../components/toasts.tsx';
import { isTyping, useKeys } from '../components/keys.ts';
import { usePast, useTravel } from '../live/past.ts';
import { troubleOf } from '../live/use-command.ts';
import { useStatus } from '../live/use-status.ts';
import { useView } from '../live/use-view.ts';
import { Banners } from './banners.tsx';
import { TopBar } from './top-bar.tsx';
import { Tray } from './tray.tsx';
import classes from './shell.module.css';

const Palette = lazy(async () => ({ default: (await import('./palette.tsx')).Palette }));
const KeysHelp = lazy(async () => ({ default: (await import('./keys-help.tsx')).KeysHelp }));
const PastBar = lazy(async () => ({ default: (await import('./past-bar.tsx')).PastBar }));

const icon = { size: 18, stroke: 1.6, 'aria-hidden': true } as const;

const places = [
  { to: '/', title: 'Overview', icon: <IconLayoutDashboard {...icon} /> },
  { to: '/apps', title: 'Apps', icon: <IconApps {...icon} /> },
  { to: '/volumes', title: 'Volumes', icon: <IconDatabase {...icon} /> },
  { to: '/backups', title: 'Backups', icon: <IconArchive {...icon} /> },
  { to: '/nodes', title: 'Nodes', icon: <IconServer2 {...icon} /> },
  { to: '/schedules', title: 'Schedules', icon: <IconCalendarTime {...icon} /> },
  { to: '/alerts', title: 'Alerts', icon: <IconBell {...icon} /> },
  { to: '/activity', title: 'Activity', icon: <IconActivity {...icon} /> },
  { to: '/settings', title: 'Settings', icon: <IconSettings {...icon} /> },
] as const;

/** On a phone four places are one tap away, the rest two. */
const nearby = ['/', '/apps', '/volumes', '/alerts'];

export function Shell() {
  const { isPast } = usePast();
  const missing = useMissingMoment();
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  const [isShowingKeys, setShowingKeys] = useState(false);
  useKeys((event) => {
    if (event.key === '?' && !isTyping(event)) setShowingKeys(true);
    if (event.key !== 'k' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    setPaletteOpen((open) => !open);
  });
  useScrollReset();
  return (
    <div className={classes['shell']} data-past={isPast}>
      <a href="#main" className={classes['skip']}>
        Skip to the content
      </a>
      <nav className={classes['side']} aria-label="Places">
        <Link to="/" className={classes['brand']}>
          <Logo />
          <span>FloatLab</span>
        </Link>
        {places.map(({ to, title, icon: picture }) => (
          <Place key={to} to={to} title={title} picture={picture} />
        ))}
      </nav>
      <div className={classes['column']}>
        <TopBar onSearch={() => setPaletteOpen(true)} onKeys={() => setShowingKeys(true)} />
        {isPast && (
          <Suspense fallback={<div className={classes['pastPlace']} />}>
            <PastBar />
          </Suspense>
        )}
        <Banners />
        <main id="main" className={classes['main']} tabIndex={-1}>
          <Suspense fallback={<ScreenPlace />}>
            {missing !== undefined && <NoSuchMoment why={missing} />}
            {/* Hidden, not taken away: somebody may have written something there. */}
            <div hidden={missing !== undefined}>
              <Outlet />
            </div>
          </Suspense>
          <div id="overlays" />
        </main>
      </div>
      <BottomBar />
      <Tray />
      <Toasts />
      <TipLayer />
      {isShowingKeys && (
        <Suspense fallback={null}>
          <KeysHelp onClose={() => setShowingKeys(false)} />
        </Suspense>
      )}
      {isPaletteOpen && (
        <Suspense fallback={null}>
          <Palette onClose={() => setPaletteOpen(false)} places={places} />
        </Suspense>
      )}
    </div>
  );
}

const ScreenPlace = () => (
  <div style={{ padding: 24 }}>
    <Loading />
  </div>
);

/** @returns why the moment in the address cannot be shown */
function useMissingMoment(): string | undefined {
  const { at, error } = usePast();
  const { index } = useStatus();
  if (error) return troubleOf(error).title;
  if (at === undefined || index === undefined || at <= index) return undefined;
  return `The lab has only ${index.toLocaleString('en')} events yet.`;
}

function NoSuchMoment({ why }: { readonly why: string }) {
  const travel = useTravel();
  return (
    <Page title="No such moment">
      <Empty title={why} action={<Button onClick={() => travel(undefined)}>Back to live</Button>}>
        Choose another time at the top of the page.
      </Empty>
    </Page>
  );
}

function Place({ to, title, picture }: { readonly to: string; readonly title: string; readonly picture: ReactNode }) {
  return (
    <Link
      to={to}
      className={classes['place']}
      activeOptions={{ exact: to === '/', includeSearch: false }}
      activeProps={{ className: classes['active'] }}
    >
      {picture}
      <span>{title}</span>
      {to === '/alerts' && <AlertCount />}
    </Link>
  );
}

function AlertCount() {
  const { rows } = useView('alerts');
  if (rows.length === 0) return null;
  const isCritical = rows.some(({ severity }) => severity === 'critical');
  return (
    <span className={classes['count']} data-critical={isCritical}>
      {rows.length}
    </span>
  );
}

const BottomBar = () => (
  <nav className={classes['bottom']} aria-label="Places">
    {places
      .filter(({ to }) => nearby.includes(to))
      .map(({ to, title, icon: picture }) => (
        <Place key={to} to={to} title={title} picture={picture} />
      ))}
    <Menu position="top-end" width={200}>
      <Menu.Target>
        <button type="button" className={classes['place']}>
          <IconDots {...icon} />
          <span>More</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {places
          .filter(({ to }) => !nearby.includes(to))
          .map(({ to, title, icon: picture }) => (
            <Menu.Item key={to} renderRoot={(props) => <Link to={to} {...props} />} leftSection={picture}>
              {title}
            </Menu.Item>
          ))}
      </Menu.Dropdown>
    </Menu>
  </nav>
);

/** A new place begins at its top; a tab or a filter of the same place stays where it is. */
function useScrollReset(): void {
  const place = useRouterState({ select: ({ location }) => location.pathname.split('/').slice(0, 4).join('/') });
  // Braces: a browser may return a promise here, and React would take it for the way to clean up.
  useEffect(() => {
    scrollTo(0, 0);
  }, [place]);
}
