/** A long history as a lab of some years would have it: mostly snapshots that come and go, some starts and stops. */
import { asIndex, type Entry, type LabEvent, type StreamId } from '#events/envelope.ts';
import { registry, type EventType } from '#events/registry.ts';
import { uuidFrom } from '#actors/ids.ts';

const apps = 200;
const keptSnapshots = 50;

/** Entries of at least so many events, deterministic. */
export function* entriesOf(events: number): Generator<Entry> {
  let at = Date.UTC(2025, 0, 1);
  let made = 0;
  let n = 0;
  const versions = new Map<StreamId, number>();
  const entry = (by: Entry['by'], ...drafts: { stream: StreamId; type: EventType; data: unknown }[]): Entry => {
    at += 997;
    made += drafts.length;
    const command = `c${n++}`;
    const expect = [...new Set(drafts.map(({ stream }) => stream))].map(
      (stream) => [stream, versions.get(stream) ?? 0] as const,
    );
    for (const { stream } of drafts) versions.set(stream, (versions.get(stream) ?? 0) + 1);
    const full = drafts.map((draft) => ({
      ...draft,
      schema: registry[draft.type].schema,
    })) as unknown as Entry['drafts'];
    return { command, by, cause: command, correlation: command, at, expect, drafts: full };
  };
  const metadata = (id: string, name: string) => ({
    name,
    namespace: 'default',
    labels: {},
    annotations: {},
    uuid: uuidFrom(id),
  });
  const facts = {
    architecture: 'x64',
    cpus: 4,
    memoryBytes: 2 ** 33,
    os: 'Debian 12',
    kernel: '6.1',
    engine: { name: 'docker', version: '20.10' },
    pools: [{ name: 'main', driver: 'btrfs', sizeBytes: 2 ** 42 }],
    version: '0.1.0',
  };
  const blob = 'a'.repeat(64);
  yield entry('system:start', {
    stream: 'cluster:lab',
    type: 'cluster.created',
    data: { metadata: metadata('lab', 'lab'), timeZone: 'UTC' },
  });
  yield entry('node:a', {
    stream: 'node:a',
    type: 'node.joined',
    data: { metadata: metadata('a', 'a'), addresses: [], facts },
  });
  for (let app = 0; app < apps; app++) {
    const volume: StreamId = `volume:v${app}`;
    const stream: StreamId = `app:a${app}`;
    const service = {
      image: 'nginx',
      ports: [],
      mounts: [],
      restart: { condition: 'always' },
      dependsOn: [],
      hasHealthcheck: false,
    };
    const spec = { services: { web: service }, volumes: { data: { sizeBytes: 2 ** 30 } } };
    yield entry(
      'user:admin',
      {
        stream,
        type: 'app.created',
        data: {
          metadata: metadata(stream, `app-${app}`),
          spec,
          compose: blob,
          bundle: blob,
          volumes: { data: volume },
        },
      },
      {
        stream: volume,
        type: 'volume.created',
        data: { metadata: metadata(volume, `app-${app}-data`), spec: { sizeBytes: 2 ** 30 }, app: stream },
      },
      { stream, type: 'app.start-requested', data: {} },
    );
    yield entry('policy:placement', { stream: volume, type: 'volume.placed', data: { node: 'node:a', pool: 'main' } });
    yield entry('node:a', {
      stream: volume,
      type: 'volume.provisioned',
      data: { dataset: `v${app}`, path: `/pool/v${app}` },
    });
  }
  for (let round = 0; made < events; round++) {
    for (let app = 0; app < apps && made < events; app++) {
      const stream: StreamId = `snapshot:${app}-${round}`;
      const volume = `volume:v${app}`;
      yield entry('policy:schedules', {
        stream,
        type: 'snapshot.requested',
        data: { metadata: metadata(stream, `s${round}`), volume, reason: 'schedule' },
      });
      yield entry('node:a', { stream, type: 'snapshot.taken', data: { guid: `guid-${app}-${round}`, takenAt: at } });
      if (round >= keptSnapshots) {
        const old: StreamId = `snapshot:${app}-${round - keptSnapshots}`;
        yield entry('policy:retention', {
          stream: old,
          type: 'snapshot.removal-requested',
          data: { because: 'no rule keeps it' },
        });
        yield entry('node:a', { stream: old, type: 'snapshot.removed', data: {} });
      }
    }
  }
}

/** The same as events, as the log would give them. */
export function* eventsOf(entries: Iterable<Entry>): Generator<LabEvent> {
  const versions = new Map<StreamId, number>();
  let index = 0;
  for (const { drafts, expect: _, ...stamp } of entries) {
    for (const [n, draft] of drafts.entries()) {
      const version = (versions.get(draft.stream) ?? 0) + 1;
      versions.set(draft.stream, version);
      yield { ...draft, ...stamp, id: `${stamp.command}/${n}`, version, index: asIndex(++index) } as LabEvent;
    }
  }
}
