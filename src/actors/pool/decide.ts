/**
 * What people ask of pools, and what nodes tell of theirs. What a device holds is looked at by its node, at the moment
 * before it is taken: here only what can be known from the history is refused.
 */
import { idOf, streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import type { PoolStorageSpec } from '#events/pool.ts';
import type { PoolLayout } from '#events/values/pool.ts';
import { formatSize } from '#events/values/size.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import { clusterStream } from '../cluster/stream.ts';
import type { Commands, Decisions } from '../commands.ts';
import { counted } from '../counted.ts';
import {
  defaultNamespace,
  draft,
  drafts,
  nameTaken,
  newMetadata,
  startOperation,
  systemNamespace,
  unchanged,
  withVisit,
} from '../drafting.ts';
import { isAway, runsApps, withMember } from '../node/known.ts';
import { reject } from '../rejection.ts';
import { nextRun } from '../schedule/next.ts';
import type { poolCommands } from './commands.ts';
import { endOf, nowWithout, schedulesOf } from './ending.ts';
import { forgettingDecisions } from './forgetting.ts';
import { away, volumesIn, withWorkingPool, type Refusal } from './known.ts';
import { driversOf, fewestDevices, minFilePoolBytes } from './layouts.ts';
import { isNews, isScrubNews } from './news.ts';
import { write } from './scopes.ts';
import { nodeOfPool, poolStream } from './stream.ts';

type Pool = ActorState<'pool'>;

const reported = ({ pool }: { readonly pool: StreamId<'pool'> }) =>
  ({ verb: 'report', kind: 'pool', node: nodeOfPool(pool) }) as const;

export const poolDecisions: Decisions<keyof typeof poolCommands> = {
  ...forgettingDecisions,

  'create-pool': {
    scope: write,
    decide: (ask, lab) =>
      withDisks(lab, ask.input.node, (node) => {
        const { input } = ask;
        const stream = poolStream(node.stream, input.name);
        const on = storageOf(input);
        if ('rejected' in on) return on;
        const driver = input.driver ?? driversOf(input.layout)[0] ?? 'btrfs';
        const refused =
          takenName(stream, node, input.name, lab) ??
          refuseLayout(driver, input.layout) ??
          refuseSmall(driver, on) ??
          refuseDevices('devices' in on ? on.devices : [], node, lab);
        if (refused) return refused;
        const metadata = newMetadata(idOf(stream), input.name, systemNamespace);
        const { layout, erase } = input;
        return {
          drafts: [
            startOperation(ask, 'create-pool', stream, `${input.node}/${input.name}`, systemNamespace),
            draft(stream, 'pool.requested', { metadata, node: node.stream, driver, layout, on, erase }),
          ],
          changes: lossWords(on, erase),
        };
      }),
  },

  'adopt-pool': {
    scope: write,
    decide: (ask, lab) =>
      withDisks(lab, ask.input.node, (node) => {
        const { name, driver, where } = ask.input;
        const stream = poolStream(node.stream, name);
        const wrong = wrongPlace(driver, where);
        if (wrong) return wrong;
        const taken = takenName(stream, node, name, lab);
        if (taken) return taken;
        const other = lab.referrers(node.stream, 'pool').find(({ context }) => context.where === where);
        if (other) {
          return reject(
            'NAME_TAKEN',
            `${where} on node ${ask.input.node} is managed already, as pool ${other.context.metadata.name}.`,
            'Use that pool, or name another place.',
          );
        }
        const metadata = newMetadata(idOf(stream), name, systemNamespace);
        return drafts(
          startOperation(ask, 'adopt-pool', stream, `${ask.input.node}/${name}`, systemNamespace),
          draft(stream, 'pool.adoption-requested', { metadata, node: node.stream, driver, where }),
        );
      }),
  },

  'grow-pool': {
    scope: write,
    decide: (ask, lab) =>
      withWorkingPool(lab, ask.input, (pool, title) => {
        const { sizeBytes } = ask.input;
        return drafts(
          startOperation(ask, 'grow-pool', pool.stream, title, systemNamespace),
          draft(pool.stream, 'pool.growth-requested', sizeBytes === undefined ? {} : { sizeBytes }),
        );
      }),
  },

  'clear-pool': {
    scope: write,
    decide: (ask, lab) =>
      withWorkingPool(lab, ask.input, (pool, title) =>
        drafts(
          startOperation(ask, 'clear-pool', pool.stream, title, systemNamespace),
          draft(pool.stream, 'pool.clearing-requested', {}),
        ),
      ),
  },

  'add-pool-devices': {
    scope: write,
    decide: (ask, lab) =>
      withWorkingPool(lab, ask.input, (pool, title) => {
        const { devices, layout, erase } = ask.input;
        const node = lab.get(pool.context.node);
        const refused =
          (layout === undefined ? undefined : refuseLayout(pool.context.driver, layout)) ??
          (node && refuseDevices(devices, node, lab, pool));
        if (refused) return refused;
        return {
          drafts: [
            startOperation(ask, 'add-pool-devices', pool.stream, title, systemNamespace),
            draft(pool.stream, 'pool.devices-requested', {
              devices,
              ...(layout === undefined ? {} : { layout }),
              erase,
            }),
          ],
          changes: lossWords({ devices }, erase),
        };
      }),
  },

  'replace-pool-device': {
    scope: write,
    decide: (ask, lab) =>
      withWorkingPool(lab, ask.input, (pool, title) => {
        const { device, by, erase } = ask.input;
        const devices = pool.context.status?.devices ?? [];
        const old = devices.find(({ name, was }) => [name, was].some((at) => at === device || at === `/dev/${device}`));
        // A link to it has another name, which its node knows.
        if (!old && !device.startsWith('/')) {
          return reject(
            'NOT_FOUND',
            `Pool ${title} has no device ${device}.`,
            `It has ${devices.map(({ name, was }) => (was === undefined ? name : `${name} (was ${was})`)).join(', ')}.`,
          );
        }
        const node = lab.get(pool.context.node);
        const refused = node && refuseDevices([by], node, lab, pool);
        if (refused) return refused;
        return {
          drafts: [
            startOperation(ask, 'replace-pool-device', pool.stream, title, systemNamespace),
            draft(pool.stream, 'pool.replacement-requested', { old: old?.name ?? device, by, erase }),
          ],
          changes: lossWords({ devices: [by] }, erase),
        };
      }),
  },

  'scrub-pool': {
    scope: write,
    decide: (ask, lab) =>
      withWorkingPool(lab, ask.input, (pool, title) => {
        const { action } = ask.input;
        const { scrub } = pool.context;
        const goesOn = scrub?.state === 'running' || scrub?.state === 'paused';
        if (action === 'start' && scrub?.state === 'running') return unchanged;
        if (action === 'pause' && scrub?.state === 'paused') return unchanged;
        if (action === 'pause' && scrub?.state !== 'running')
          return reject('NOT_NOW', `Pool ${title} is not being scrubbed.`, `floatlab pool scrub ${title} starts it.`);
        if (action === 'cancel' && !goesOn) return unchanged;
        return drafts(
          startOperation(ask, 'scrub-pool', pool.stream, title, systemNamespace),
          draft(pool.stream, 'pool.scrub-requested', { action }),
        );
      }),
  },

  'report-pool': {
    scope: reported,
    decide: ({ input }, lab) => {
      const { pool: stream, driver, origin, where, status, scrub } = input;
      const node = nodeOfPool(stream);
      const pool = lab.get(stream);
      if (!pool) {
        const name = idOf(stream).slice(idOf(node).length + 1);
        const found = { metadata: newMetadata(idOf(stream), name, systemNamespace), node, driver };
        return drafts(
          draft(stream, 'pool.found', { ...found, origin, where, status }),
          // It begins as one that is well.
          status.state === 'online' ? [] : draft(stream, 'pool.health-changed', { status }),
          scrub === null ? [] : draft(stream, 'pool.scrub-changed', { scrub }),
        );
      }
      if (['creating', 'adopting', 'failed', 'releasing'].includes(pool.state)) return unchanged;
      const moved = where !== pool.context.where;
      return drafts(
        moved || isNews(pool.context.status, status)
          ? draft(stream, 'pool.health-changed', { status, ...(moved ? { where } : {}) })
          : [],
        isScrubNews(pool.context.scrub, scrub) ? draft(stream, 'pool.scrub-changed', { scrub }) : [],
      );
    },
  },

  'report-pool-changes': {
    scope: reported,
    decide: ({ input: { pool: stream, problem } }, lab) => {
      const pool = lab.get(stream);
      if (!pool || pool.context.untold?.code === problem?.code) return unchanged;
      return drafts(
        problem === null ? draft(stream, 'pool.changes-told', {}) : draft(stream, 'pool.changes-untold', { problem }),
      );
    },
  },

  'report-pool-absent': {
    scope: reported,
    decide: ({ input }, lab) => {
      const pool = lab.get(input.pool);
      if (!pool || ['creating', 'adopting', 'failed', 'releasing'].includes(pool.state)) return unchanged;
      const { origin, node, metadata, status } = pool.context;
      const holds = volumesIn(metadata.name, node, lab).length > 0;
      if ((origin === 'given' || origin === 'usual') && !holds) return drafts(endOf(pool, lab));
      const gone = {
        layout: status?.layout ?? null,
        sizeBytes: status?.sizeBytes ?? 0,
        devices: status?.devices ?? [],
        state: 'unavailable' as const,
        problems: [
          {
            code: 'pool-missing' as const,
            severity: 'faulty' as const,
            text: `The node has no pool ${metadata.name} any more.`,
            repair:
              origin === 'given'
                ? 'Name it with --pool again when the node is started.'
                : 'Look at the data directory of the node: the list of its pools (pools.json) was lost.',
          },
        ],
      };
      return isNews(status, gone) ? drafts(draft(pool.stream, 'pool.health-changed', { status: gone })) : unchanged;
    },
  },

  'report-pool-opened': {
    scope: reported,
    decide: (ask, lab) =>
      withVisit(lab, ask.input.pool, ask.input.visit, (pool) => {
        const { where, status } = ask.input;
        return drafts(
          draft(pool.stream, 'pool.opened', { where, status }),
          pool.state === 'creating' ? monthlyScrub(ask, pool, lab) : [],
        );
      }),
  },

  'report-pool-changed': {
    scope: reported,
    decide: ({ input: { pool, visit, status, scrub } }, lab) =>
      withVisit(lab, pool, visit, ({ context }) =>
        drafts(
          draft(pool, 'pool.changed', { status }),
          isScrubNews(context.scrub, scrub) ? draft(pool, 'pool.scrub-changed', { scrub }) : [],
        ),
      ),
  },

  'report-pool-failed': {
    scope: reported,
    decide: ({ input: { pool, visit, problem } }, lab) =>
      withVisit(lab, pool, visit, (actor) => {
        const isBeginning = actor.state === 'creating' || actor.state === 'adopting';
        return isBeginning
          ? drafts(draft(pool, 'pool.failed', { problem }), schedulesOf(actor, lab))
          : drafts(draft(pool, 'pool.change-failed', { problem }));
      }),
  },

  'report-pool-released': {
    scope: reported,
    decide: ({ input: { pool, visit } }, lab) =>
      withVisit(lab, pool, visit, (actor) => drafts(endOf(actor, lab), nowWithout(actor, lab))),
  },
};

/** Goes on with a node that has disks to speak of, or refuses. */
function withDisks(lab: LabView, name: string, then: (node: ActorState<'node'>) => Decision): Decision {
  return withMember(lab, name, (node) => {
    if (!runsApps(node)) return reject('WITNESS_ONLY', `Node ${name} is a witness: it has no pools.`);
    return isAway(node) ? away(name) : then(node);
  });
}

function storageOf(input: Commands['create-pool']): PoolStorageSpec | Refusal {
  const { devices, sizeBytes, file, layout } = input;
  if (devices !== undefined && sizeBytes === undefined && file === undefined) {
    const fewest = fewestDevices[layout];
    if (devices.length >= fewest) return { devices };
    return reject(
      'INVALID',
      `${layout} needs at least ${counted(fewest, 'device')}.`,
      'Name more, or choose another layout.',
    );
  }
  if (devices === undefined && sizeBytes !== undefined) {
    if (layout === 'single') return { sizeBytes, ...(file === undefined ? {} : { file }) };
    return reject(
      'INVALID',
      `A pool in one file is single: ${layout} needs devices.`,
      'Name devices, or leave the layout out.',
    );
  }
  return reject('INVALID', 'A pool lies on devices, or in one file of a given size.', 'Name devices, or a size.');
}

function refuseSmall(driver: 'btrfs' | 'zfs', on: PoolStorageSpec): Refusal | undefined {
  const least = minFilePoolBytes[driver];
  if ('devices' in on || on.sizeBytes >= least) return undefined;
  const other = driver === 'btrfs' && on.sizeBytes >= minFilePoolBytes.zfs ? ', or take zfs (--driver zfs)' : '';
  return reject(
    'INVALID',
    `A pool of ${formatSize(on.sizeBytes)} is too small for ${driver}: it needs at least ${formatSize(least)}.`,
    `Choose a larger size (--size ${formatSize(least).replace(' ', '')})${other}.`,
  );
}

function takenName(
  stream: StreamId<'pool'>,
  node: ActorState<'node'>,
  name: string,
  lab: LabView,
): Refusal | undefined {
  const there = lab.get(stream);
  if (there?.state === 'failed') return undefined;
  return there || node.context.facts.pools.some((pool) => pool.name === name) ? nameTaken('pool', name) : undefined;
}

function refuseLayout(driver: 'btrfs' | 'zfs' | 'dir', layout: PoolLayout): Refusal | undefined {
  const drivers = driversOf(layout);
  if (drivers.some((one) => one === driver)) return undefined;
  return reject(
    'UNSUPPORTED',
    `${driver} has no ${layout} that survives a power cut.`,
    `It is there with ${drivers.join(' and ')}.`,
  );
}

/** @param of pool that they are to join: what it has already is its node's to see */
function refuseDevices(
  devices: readonly string[],
  node: ActorState<'node'>,
  lab: LabView,
  of?: Pool,
): Refusal | undefined {
  const twice = devices.find((device, index) => devices.indexOf(device) !== index);
  if (twice !== undefined) return reject('INVALID', `${twice} is named twice.`, 'Name each device once.');
  for (const pool of lab.referrers(node.stream, 'pool')) {
    if (pool.stream === of?.stream) continue;
    const taken = pool.context.status?.devices.find(({ name, state }) => state !== 'removed' && devices.includes(name));
    if (taken) {
      return reject(
        'NAME_TAKEN',
        `${taken.name} on node ${node.context.metadata.name} belongs to pool ${pool.context.metadata.name}.`,
        `floatlab pool candidates ${node.context.metadata.name} shows what is free.`,
      );
    }
  }
  return undefined;
}

function wrongPlace(driver: 'btrfs' | 'zfs' | 'dir', where: string): Refusal | undefined {
  if (driver === 'zfs') {
    if (/^[A-Za-z][\w.:-]*(?:\/[\w.:-]+)+$/.test(where)) return undefined;
    return reject(
      'INVALID',
      `${where} is not a dataset of zfs.`,
      'Name one inside a zpool, for example tank/floatlab.',
    );
  }
  if (/^\/[^\0]*$/.test(where) && !where.split('/').includes('..')) return undefined;
  return reject('INVALID', `${where} is not an absolute path.`, 'Name a folder, for example /mnt/tank.');
}

/** What nobody has read for long may have rotted: a pool that was made here is verified every month from then on. */
function monthlyScrub(
  ask: Pick<Ask<unknown>, 'id' | 'now'>,
  { stream: pool, context }: Pool,
  lab: LabView,
): readonly AnyDraft[] {
  const node = lab.get(context.node)?.context.metadata.name ?? idOf(context.node);
  const name = `scrub-${node}-${context.metadata.name}`.slice(0, 63).replace(/-+$/, '');
  const hasOne = lab.referrers(pool, 'schedule').length > 0 || lab.byName('schedule', defaultNamespace, name);
  if (hasOne) return [];
  const id = ask.id(0);
  const zone = lab.get(clusterStream)?.context.timeZone ?? 'UTC';
  return [
    draft(streamOf('schedule', id), 'schedule.created', {
      metadata: newMetadata(id, name, defaultNamespace),
      spec: { cron: monthly, action: 'scrub', pool },
      dueAt: nextRun(monthly, zone, ask.now),
    }),
  ];
}

const monthly = '0 3 1 * *';

const lossWords = (on: PoolStorageSpec, erase: boolean): readonly string[] =>
  erase && 'devices' in on ? [`What is on ${on.devices.join(', ')} would be lost for ever.`] : [];
