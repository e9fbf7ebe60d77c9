/** Figures for Prometheus: of the lab, and of this process. */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { LabPort } from '../lab/port.ts';

export function labMetrics(lab: LabPort, version: string): () => Promise<string> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (
    name: string,
    help: string,
    collect: (gauge: Gauge<string>) => void,
    labelNames: string[] = [],
  ): void => {
    const made: Gauge<string> = new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect: () => collect(made),
    });
  };
  gauge('floatlab_info', 'Version of this node.', (made) => made.set({ version }, 1), ['version']);
  gauge('floatlab_log_index', 'Index of the last folded event.', (made) => made.set(lab.index));
  gauge('floatlab_log_time_seconds', 'Time of the last folded event.', (made) => made.set(lab.view.at / 1000));
  gauge(
    'floatlab_alerts',
    'Alerts that are raised now.',
    (made) => {
      made.reset();
      for (const [, { severity }] of lab.rows('alerts')) made.inc({ severity });
    },
    ['severity'],
  );
  gauge(
    'floatlab_objects',
    'Objects by kind and state.',
    (made) => {
      made.reset();
      const counts: Readonly<Record<string, Readonly<Record<string, number>>>> =
        lab.rows('overview')[0]?.[1].counts ?? {};
      for (const [kind, states] of Object.entries(counts)) {
        for (const [state, count] of Object.entries(states)) made.set({ kind, state }, count);
      }
    },
    ['kind', 'state'],
  );
  gauge(
    'floatlab_volume_snapshot_age_seconds',
    'Age of the newest snapshot of a volume.',
    (made) => {
      made.reset();
      for (const [, { namespace, name, lastSnapshotAt }] of lab.rows('volumes')) {
        if (lastSnapshotAt !== null) made.set({ namespace, volume: name }, (lab.view.at - lastSnapshotAt) / 1000);
      }
    },
    ['namespace', 'volume'],
  );
  return () => registry.metrics();
}
