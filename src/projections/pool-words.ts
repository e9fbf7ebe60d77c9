/** What happens to pools, as sentences. */
import type { ActorState } from '#actors/actor.ts';
import { counted } from '#actors/counted.ts';
import { poolTitle } from '#actors/pool/stream.ts';
import type { EventOf } from '#events/envelope.ts';
import type { PoolScrub, PoolStatus } from '#events/pool.ts';
import type { EventType } from '#events/registry.ts';
import { formatSize } from '#events/values/size.ts';
import type { About } from './words.ts';

type PoolWords = {
  readonly [T in EventType as T extends `pool.${string}` ? T : never]: (event: EventOf<T>, about: About) => string;
};

const title = ({ actor, lab }: About): string => poolTitle(actor as ActorState<'pool'>, lab);

const origins = { usual: 'as every node has one', given: 'as named at its start', made: 'made', adopted: 'adopted' };

export const poolWords: PoolWords = {
  'pool.found': ({ data }, about) =>
    `Pool ${title(about)} ${about.v('is', 'would be')} there, ${origins[data.origin]}: ${data.driver}, ${formatSize(data.status.sizeBytes)}.`,
  'pool.requested': ({ data }, about) => {
    const on = 'devices' in data.on ? data.on.devices.join(', ') : `a file of ${formatSize(data.on.sizeBytes)}`;
    return `Pool ${title(about)} ${about.v('is being', 'would be')} made of ${on} (${data.driver}, ${data.layout}).`;
  },
  'pool.adoption-requested': ({ data }, about) =>
    `${data.where} ${about.v('is being', 'would be')} taken over as pool ${title(about)}; what is in it stays.`,
  'pool.opened': ({ data }, about) => `Pool ${title(about)} ${about.v('is', 'would be')} ready at ${data.where}.`,
  'pool.failed': ({ data }, about) =>
    `Pool ${title(about)} ${about.v('failed', 'would fail')}: ${data.problem.message}`,
  'pool.growth-requested': ({ data }, about) => {
    const to = data.sizeBytes === undefined ? 'to all that its devices have' : `to ${formatSize(data.sizeBytes)}`;
    return `Pool ${title(about)} ${about.v('grows', 'would grow')} ${to}.`;
  },
  'pool.devices-requested': ({ data }, about) =>
    `Pool ${title(about)} ${about.v('gets', 'would get')} ${counted(data.devices.length, 'device')} more: ${data.devices.join(', ')}.`,
  'pool.replacement-requested': ({ data }, about) =>
    `In pool ${title(about)} ${whereWas(data.old, about)} ${about.v('is being', 'would be')} replaced by ${data.by}.`,
  'pool.scrub-requested': ({ data }, about) => {
    const [has, would] = scrubVerbs[data.action];
    return `Pool ${title(about)} ${about.v(has, would)}.`;
  },
  'pool.clearing-requested': (_, about) =>
    `Pool ${title(about)} ${about.v('forgets', 'would forget')} its counted errors, and ${about.v('takes', 'would take')} writes again.`,
  'pool.changed': ({ data }, about) =>
    `What was asked of pool ${title(about)} ${about.v('is', 'would be')} done: it ${about.v('is', 'would be')} ${data.status.state}.`,
  'pool.change-failed': ({ data }, about) =>
    `What was asked of pool ${title(about)} ${about.v('was', 'would be')} not done: ${data.problem.message}`,
  'pool.health-changed': ({ data }, about) => `Pool ${title(about)} ${healthWords(data.status, about)}`,
  'pool.changes-untold': ({ data }, about) =>
    `Pool ${title(about)} ${about.v('does', 'would')} not say what has changed in it: ${data.problem.message}`,
  'pool.changes-told': (_, about) =>
    `Pool ${title(about)} ${about.v('says', 'would say')} again what has changed in it.`,
  'pool.scrub-changed': ({ data }, about) => `${scrubWords(data.scrub, about)}`,
  'pool.release-requested': (_, about) =>
    `Pool ${title(about)} ${about.v('is being', 'would be')} let go; what is in it stays.`,
  'pool.lost': ({ data }, about) =>
    `Pool ${title(about)} ${about.v('was', 'would be')} declared gone for good` +
    `${data.volumes === 0 ? '' : `, with ${counted(data.volumes, 'volume')}`}.`,
  'pool.forgotten': (_, about) =>
    `Pool ${title(about)} ${about.v('is', 'would be')} managed no more; what is in it stays.`,
};

/** A device that is gone goes by its number; people know where it was. */
function whereWas(device: string, { actor }: About): string {
  const devices = (actor as ActorState<'pool'>).context.status?.devices ?? [];
  return devices.find(({ name }) => name === device)?.was ?? device;
}

const scrubVerbs = {
  start: ['is to be scrubbed', 'would be scrubbed'],
  pause: ['pauses its scrub', 'would pause its scrub'],
  cancel: ['cancels its scrub', 'would cancel its scrub'],
} as const;

/** The worst first: that is what matters. */
function healthWords({ state, problems }: PoolStatus, { v }: About): string {
  const [first, ...others] = problems;
  const is = `${v('is', 'would be')} ${state}`;
  if (!first) return `${is}: nothing is wrong with it.`;
  const more = others.length === 0 ? '' : ` And ${others.length} more.`;
  return `${is}: ${first.text}${more}`;
}

function scrubWords({ state, errors, repairedBytes }: PoolScrub, about: About): string {
  const pool = title(about);
  switch (state) {
    case 'running':
      return `A scrub of pool ${pool} ${about.v('has begun', 'would begin')}.`;
    case 'paused':
      return `The scrub of pool ${pool} ${about.v('is', 'would be')} paused.`;
    case 'canceled':
      return `The scrub of pool ${pool} ${about.v('was', 'would be')} canceled.`;
    case 'finished': {
      const repaired = (repairedBytes ?? 0) > 0 ? `, ${formatSize(repairedBytes ?? 0)} put right` : '';
      const found = (errors ?? 0) > 0 ? `${counted(errors ?? 0, 'error')} cannot be put right` : 'all is readable';
      return `The scrub of pool ${pool} ${about.v('is', 'would be')} done: ${found}${repaired}.`;
    }
  }
}
