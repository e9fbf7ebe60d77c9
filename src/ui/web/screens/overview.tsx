/** The lab at a glance: is anything wrong, is everything protected, what happened, and why. */
import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { eventTypes, type EventType } from '#events/registry.ts';
import type { AppRow } from '#projections/views/apps.ts';
import { ActivityItem } from '../components/activity-list.tsx';
import { AlertList } from '../components/alert-list.tsx';
import { AppLink, Words } from '../components/links.tsx';
import { NodeTile } from '../components/node-tile.tsx';
import { Empty, Loading, Page, Section } from '../components/page.tsx';
import { Glyph } from '../components/state.tsx';
import { backupInWords, labInWords, protectionInWords, replicationInWords } from '../format/lab-words.ts';
import { lastKnown, thingTone, thingWords, tones } from '../format/state.ts';
import { useNow } from '../live/now.tsx';
import { useActivity } from '../live/use-activity.ts';
import { useCluster, useIsCurrent } from '../live/use-cluster.ts';
import { useView } from '../live/use-view.ts';
import classes from './overview.module.css';

export function Overview() {
  const apps = useView('apps');
  const alerts = useView('alerts');
  const volumes = useView('volumes');
  const nodes = useView('nodes');
  const lab = useView('overview');
  const backups = useView('backups');
  const targets = useView('backup-targets');
  const now = useNow();
  const simulated = useCluster()?.simulated;
  const isCurrent = useIsCurrent();
  if (!apps.ready || !alerts.ready || !nodes.ready || !volumes.ready) {
    return (
      <Page title="Overview">
        <Loading lines={6} />
      </Page>
    );
  }
  const { tone, phrase } = labInWords(apps.rows, alerts.rows, isCurrent);
  // Those that wait at the door have an alert.
  const members = nodes.rows.filter(({ state }) => state !== 'waiting');
  const promises = simulated === undefined ? (lab.rows[0]?.promises ?? []) : [simulated];
  const protection = protectionInWords(volumes.rows, now);
  const replication = replicationInWords(volumes.rows, members.length);
  const outside = backups.ready ? backupInWords(volumes.rows, backups.rows, targets.rows.length) : undefined;
  return (
    <Page title="Overview">
      <div className={classes['sentence']} data-testid="sentence">
        <Glyph tone={tone} />
        <div>
          <p className={classes['main']}>
            <Words phrase={phrase} />
          </p>
          {protection && (
            <p className="muted">
              <Words phrase={protection} />
              {replication && (
                <>
                  {' '}
                  <Words phrase={replication} />
                </>
              )}
              {outside && (
                <>
                  {' '}
                  <Words phrase={outside} />
                </>
              )}
            </p>
          )}
        </div>
      </div>

      {alerts.rows.length > 0 && (
        <Section title="Alerts" bare>
          <AlertList rows={alerts.rows} />
        </Section>
      )}

      <Section title="Apps" note={<More to="/apps" count={apps.rows.length} />} bare>
        {apps.rows.length === 0 ? <NoApps /> : <AppsByState rows={apps.rows} isCurrent={isCurrent} />}
      </Section>

      <Section title="Nodes" note={<More to="/nodes" count={members.length} />} bare>
        <div className={classes['tiles']}>
          {members.slice(0, mostTiles).map((row) => (
            <NodeTile key={row.id} row={row} />
          ))}
        </div>
      </Section>

      {promises.length > 0 && (
        <Section title="What this lab can bear">
          <ul className={classes['promises']}>
            {promises.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </Section>
      )}

      <Recent />
    </Page>
  );
}

const More = ({ to, count }: { readonly to: '/apps' | '/nodes'; readonly count: number }) => (
  <Link to={to} className="link">
    {count}
  </Link>
);

/** A screenful; the list has the rest. */
const mostTiles = 12;
/** Names that are written out in one line. */
const most = 24;

function AppsByState({ rows, isCurrent }: { readonly rows: readonly AppRow[]; readonly isCurrent: boolean }) {
  const groups = useMemo(
    () =>
      tones
        .map((tone) => ({ tone, apps: rows.filter((row) => thingTone(row) === tone) }))
        .filter(({ apps }) => apps.length > 0),
    [rows],
  );
  return (
    <ul className={classes['groups']}>
      {groups.map(({ tone, apps }) => (
        <li key={tone} className={classes['group']}>
          <span className={classes['groupHead']}>
            <Glyph tone={isCurrent ? tone : lastKnown(tone)} />
            {groupWords[tone]}
          </span>
          <span className={classes['number']}>{apps.length}</span>
          <span className={classes['names']}>
            {apps.slice(0, most).map((app) => (
              <span key={app.id} className={classes['name']}>
                <AppLink namespace={app.namespace} name={app.name} />
                {tone !== 'running' && tone !== 'off' && tone !== 'failed' && (
                  <span className="muted"> {thingWords(app)}</span>
                )}
              </span>
            ))}
            {apps.length > most && (
              <Link to="/apps" search={{ state: tone }} className="link">
                and {apps.length - most} more
              </Link>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

const groupWords = {
  running: 'Running',
  changing: 'Changing',
  attention: 'Need attention',
  failed: 'Failed',
  off: 'Off',
} as const;

export const NoApps = () => (
  <Empty
    title="Your first app"
    command="floatlab up -f compose.yaml"
    action={
      <Button leftSection={<IconPlus size={16} />} renderRoot={(props) => <Link to="/apps/new" {...props} />}>
        New app
      </Button>
    }
  >
    An app is a docker-compose file that the lab runs: it gives it a node, makes its volumes, keeps it up and snapshots
    its data.
  </Empty>
);

/** What schedules and retention do all day long would hide what people want to see; Activity has it. */
const routine: readonly EventType[] = [
  'schedule.fired',
  'snapshot.requested',
  'snapshot.taken',
  'snapshot.removal-requested',
  'snapshot.removed',
  'node.facts-changed',
  // Who asked for it is told when it begins; that it failed is told, too.
  'operation.succeeded',
];
const worthTelling = eventTypes.filter((type) => !routine.includes(type));
const shownEvents = 10;

function Recent() {
  const { rows, ready, fresh } = useActivity({ limit: shownEvents, types: worthTelling });
  const [open, setOpen] = useState<number>();
  return (
    <Section
      title="What happened"
      note={
        <Link to="/activity" className="link">
          everything
        </Link>
      }
    >
      {!ready ? (
        <div style={{ padding: 16 }}>
          <Loading />
        </div>
      ) : (
        rows
          .slice(0, shownEvents)
          .map((row) => (
            <ActivityItem
              key={row.index}
              row={row}
              isOpen={open === row.index}
              onToggle={() => setOpen(open === row.index ? undefined : row.index)}
              fresh={fresh(row.index)}
            />
          ))
      )}
    </Section>
  );
}
