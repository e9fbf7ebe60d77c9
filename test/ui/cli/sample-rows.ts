/** Rows as a small lab has them; a test names what matters to it. */
import type { OperationRow } from '#projections/operations.ts';
import type { AlertRow } from '#projections/alerts.ts';
import type { ActivityRow } from '#projections/views/activity.ts';
import type { AppRow, ServiceRow } from '#projections/views/apps.ts';
import type { NodeRow } from '#projections/views/nodes.ts';
import type { ScheduleRow } from '#projections/views/schedules.ts';
import type { SnapshotRow } from '#projections/views/snapshots.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { dayMs, hourMs, minuteMs, now } from './test-world.ts';

const atlas = { id: 'node:atlas', name: 'atlas' } as const;

export const serviceRow = (more: Partial<ServiceRow> = {}): ServiceRow => ({
  image: 'nginx:1.27',
  ports: [{ published: 8080, target: 80, protocol: 'tcp' }],
  state: 'running',
  container: '0123456789abcdef',
  exitCode: null,
  lastExitCode: null,
  restarts: 0,
  since: now - 3 * dayMs,
  ...more,
});

export const appRow = (name: string, more: Partial<AppRow> = {}): AppRow => ({
  id: `app:${name}`,
  namespace: 'default',
  name,
  labels: {},
  title: null,
  icon: null,
  url: null,
  state: 'running',
  decided: more.state ?? 'running',
  lastHeardAt: null,
  since: now - 3 * dayMs,
  createdAt: now - 9 * dayMs,
  revision: 7,
  services: { web: serviceRow() },
  volumes: [],
  node: atlas,
  instance: { id: `instance:${name}`, state: 'running', epoch: 812 },
  problem: null,
  failedService: null,
  delay: null,
  ...more,
});

export const volumeRow = (name: string, more: Partial<VolumeRow> = {}): VolumeRow => ({
  id: `volume:${name}`,
  namespace: 'default',
  name,
  labels: {},
  state: 'ready',
  since: now - 3 * dayMs,
  createdAt: now - 9 * dayMs,
  sizeBytes: 5 * 2 ** 30,
  keep: '24h:1h 14d:1d',
  snapshotOnChange: null,
  hooks: null,
  growToBytes: null,
  constraints: null,
  adopted: null,
  drift: null,
  move: null,
  lineages: [{ id: 1, parent: null, openedAt: null }],
  owner: null,
  mode: null,
  recordSizeBytes: null,
  compression: null,
  app: { id: 'app:photos', name: 'photos' },
  node: atlas,
  pool: 'main',
  path: `/pool/${name}`,
  problem: null,
  delay: null,
  discarded: null,
  origin: null,
  snapshots: 24,
  lastSnapshotAt: now - 41 * minuteMs,
  replication: null,
  replicas: [],
  ...more,
});

export const snapshotRow = (name: string, more: Partial<SnapshotRow> = {}): SnapshotRow => ({
  id: `snapshot:${name}`,
  namespace: 'default',
  name,
  volume: { id: 'volume:photos-db', name: 'photos-db' },
  state: 'available',
  reason: 'schedule',
  note: null,
  set: null,
  together: null,
  hooks: null,
  lineage: 1,
  requestedAt: now - 2 * hourMs,
  takenAt: now - 2 * hourMs,
  guid: '77',
  problem: null,
  ...more,
});

export const nodeRow = (name: string, more: Partial<NodeRow> = {}): NodeRow => ({
  id: `node:${name}`,
  name,
  labels: {},
  state: 'up',
  since: now - 3 * dayMs,
  joinedAt: now - 9 * dayMs,
  approved: false,
  role: 'any',
  member: null,
  zone: null,
  version: '0.1.0',
  incarnation: null,
  keySha256: null,
  port: null,
  cordoned: false,
  departing: false,
  downSince: null,
  addresses: ['192.0.2.7'],
  facts: {
    architecture: 'x64',
    cpus: 4,
    memoryBytes: 16 * 2 ** 30,
    os: 'Debian 12',
    kernel: '6.1',
    engine: { name: 'docker', version: '27.1' },
    pools: [{ name: 'main', driver: 'btrfs', sizeBytes: 2 ** 40 }],
    version: '0.1.0',
  },
  instances: 2,
  volumes: 3,
  reservedBytes: 15 * 2 ** 30,
  ...more,
});

export const scheduleRow = (name: string, more: Partial<ScheduleRow> = {}): ScheduleRow => ({
  id: `schedule:${name}`,
  namespace: 'default',
  name,
  state: 'active',
  cron: '0 3 * * *',
  timeZone: null,
  action: 'snapshot',
  of: { id: 'volume:photos-db', name: 'photos-db' },
  volume: { id: 'volume:photos-db', name: 'photos-db' },
  app: null,
  dueAt: now + 15 * hourMs,
  lastRunAt: now - 9 * hourMs,
  missed: 0,
  ...more,
});

export const operationRow = (name: string, more: Partial<OperationRow> = {}): OperationRow => ({
  id: `operation:${name}`,
  namespace: 'default',
  name,
  command: 'deploy-app',
  target: 'app:photos',
  targetName: 'photos',
  by: 'user:admin',
  state: 'succeeded',
  startedAt: now - 5 * minuteMs,
  endedAt: now - 5 * minuteMs + 5100,
  problem: null,
  waits: null,
  ...more,
});

export const alertRow = (name: string, more: Partial<AlertRow> = {}): AlertRow => ({
  id: `app:${name}|app-failed`,
  rule: 'app-failed',
  severity: 'critical',
  stream: `app:${name}`,
  kind: 'app',
  namespace: 'default',
  name,
  since: now - 3 * minuteMs,
  message: `App ${name} failed: service web exited with code 1.`,
  hint: `floatlab logs ${name} shows why.`,
  ...more,
});

export const activityRow = (index: number, words: string, more: Partial<ActivityRow> = {}): ActivityRow =>
  ({
    index,
    at: now - 60_000 + index,
    id: `command/${index}`,
    type: 'app.started',
    stream: 'app:photos',
    kind: 'app',
    namespace: 'default',
    name: 'photos',
    version: index,
    words,
    by: 'user:admin',
    who: 'admin',
    command: 'command',
    cause: 'command',
    correlation: 'operation:7kq2wxyzabcd',
    because: null,
    data: {},
    ...more,
  }) as ActivityRow;
