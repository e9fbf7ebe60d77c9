/**
 * The lab in one or two sentences: is anything wrong, is everything protected. A sentence is made of pieces, because
 * the names in it are links.
 */
import { unknownState } from '#projections/unheard.ts';
import type { AppRow } from '#projections/views/apps.ts';
import type { Severity } from '#projections/alerts.ts';
import type { BackupRow } from '#projections/views/backups.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { lastKnown, thingTone, thingWords, toneOf, type Tone } from './state.ts';
import { roughly } from './time.ts';
import { count } from './who.ts';

export interface Mention {
  readonly kind: 'app' | 'volume';
  readonly namespace: string;
  readonly name: string;
}
export type Phrase = readonly (string | Mention)[];

type AppFacts = Pick<AppRow, 'namespace' | 'name' | 'state' | 'delay'>;
type VolumeFacts = Pick<VolumeRow, 'namespace' | 'name' | 'state' | 'lastSnapshotAt'>;
type ReplicatedFacts = Pick<VolumeRow, 'namespace' | 'name' | 'state' | 'replicas' | 'replication'>;

/** Names that are written out before "and 4 more". */
const shown = 3;

export function labInWords(
  apps: readonly AppFacts[],
  all: readonly { readonly severity: Severity }[],
  /** Otherwise it is what was known last, and nobody knows whether all is well. */
  isCurrent = true,
): { readonly tone: Tone; readonly phrase: Phrase } {
  // What is only worth knowing needs nobody.
  const alerts = all.filter(({ severity }) => severity !== 'info');
  const wanted = apps.filter(({ state }) => state !== 'stopped');
  const running = wanted.filter(({ state }) => toneOf(state) === 'running');
  const others = wanted.filter(({ state }) => toneOf(state) !== 'running');
  const off = apps.filter(({ state }) => state === 'stopped');
  const wrong =
    alerts.length > 0
      ? ` ${count(alerts.length, 'thing')} ${alerts.length === 1 ? 'needs' : 'need'} you.`
      : isCurrent
        ? ' Nothing is wrong.'
        : '';
  const said: Phrase = [...appsInWords(running, others, off), wrong];
  const tone = toneFor(others, alerts);
  return isCurrent ? { tone, phrase: said } : { tone: lastKnown(tone), phrase: ['What was known last: ', ...said] };
}

function appsInWords(running: readonly AppFacts[], others: readonly AppFacts[], off: readonly AppFacts[]): Phrase {
  const wanted = running.length + others.length;
  if (wanted + off.length === 0) return ['No app runs here yet.'];
  const offWords: Phrase =
    off.length === 0 ? [] : ['; ', ...listed(off, appMention), off.length === 1 ? ' is off' : ' are off'];
  if (wanted === 0) return [...listed(off, appMention), off.length === 1 ? ' is off.' : ' are off.'];
  if (others.length > 0) {
    const states = joined(
      others.slice(0, shown).map((app) => [appMention(app), ` ${stateVerb(app)}`]),
      others.length - shown,
    );
    const start =
      running.length === 0
        ? []
        : [`${running.length} of ${count(wanted, 'app')} ${running.length === 1 ? 'runs' : 'run'}; `];
    return [...start, ...states, '.'];
  }
  const [only] = running;
  if (wanted === 1 && only) return [appMention(only), ' runs', ...offWords, '.'];
  return [`${wanted === 2 ? 'Both' : `All ${wanted.toLocaleString('en')}`} apps run`, ...offWords, '.'];
}

function stateVerb(app: AppFacts): string {
  if (app.state === unknownState) return 'has gone silent';
  return app.state === 'failed' ? 'failed' : `is ${thingWords(app)}`;
}

const dayMs = 86_400_000;

/** Nothing yet, or nothing that anybody still wants. */
const holdsNothing: readonly string[] = ['unplaced', 'creating', 'cloning', 'discarded', 'deleting'];

/** Whether what people keep could be brought back. */
export function protectionInWords(volumes: readonly VolumeFacts[], now: number): Phrase | undefined {
  const kept = volumes.filter(({ state }) => !holdsNothing.includes(state));
  if (kept.length === 0) return undefined;
  const never = kept.filter(({ lastSnapshotAt }) => lastSnapshotAt === null);
  if (never.length > 0) {
    const verb = never.length === 1 ? ' has no snapshot yet.' : ' have no snapshot yet.';
    return [never.length === 1 ? 'Volume ' : 'Volumes ', ...listed(never, volumeMention), verb];
  }
  const [oldest] = kept.toSorted((a, b) => (a.lastSnapshotAt ?? 0) - (b.lastSnapshotAt ?? 0));
  const ageMs = now - (oldest?.lastSnapshotAt ?? now);
  if (oldest && ageMs > dayMs) return ['The newest snapshot of ', volumeMention(oldest), ` is ${roughly(ageMs)} old.`];
  if (kept.length === 1 && oldest) return ['Volume ', volumeMention(oldest), ` was snapshotted ${sentenceAge(ageMs)}.`];
  return [`Every volume has a snapshot that is at most ${roughly(Math.max(ageMs, 1000))} old.`];
}

/** Whether what people keep outlives its node. Where there is no other node nobody is told what cannot be. */
export function replicationInWords(volumes: readonly ReplicatedFacts[], nodes: number): Phrase | undefined {
  const kept = volumes.filter(({ state }) => !holdsNothing.includes(state));
  const isAsked = kept.some(({ replicas, replication }) => replicas.length > 0 || replication !== null);
  if (kept.length === 0 || (nodes < 2 && !isAsked)) return undefined;
  const bare = kept.filter(({ replicas }) => !replicas.some(({ holds }) => holds !== null));
  if (bare.length === kept.length) return ['No volume has a replica on another node.'];
  const behind = kept.filter((one) => !bare.includes(one) && one.replicas.every(isBehind));
  const late: Phrase =
    behind.length === 0
      ? []
      : [' ', ...listed(behind, volumeMention), behind.length === 1 ? ' is behind there.' : ' are behind there.'];
  if (bare.length === 0)
    return [
      kept.length === 1 ? 'It has a replica on another node.' : 'Every volume has a replica on another node.',
      ...late,
    ];
  const verb = bare.length === 1 ? ' has none yet.' : ' have none yet.';
  const some = kept.length - bare.length;
  return [
    `${some} of ${count(kept.length, 'volume')} ${some === 1 ? 'has' : 'have'} a replica on another node; `,
    ...listed(bare, volumeMention),
    verb,
    ...late,
  ];
}

type BackedUpFacts = Pick<VolumeRow, 'id' | 'namespace' | 'name' | 'state'>;

/** Whether what people keep outlives the lab. Where there is no target yet nobody is told what cannot be. */
export function backupInWords(
  volumes: readonly BackedUpFacts[],
  backups: readonly Pick<BackupRow, 'volume' | 'isGood'>[],
  targets: number,
): Phrase | undefined {
  const kept = volumes.filter(({ state }) => !holdsNothing.includes(state));
  if (kept.length === 0 || targets === 0) return undefined;
  const good = new Set<string | undefined>(backups.filter(({ isGood }) => isGood).map(({ volume }) => volume?.id));
  const bare = kept.filter(({ id }) => !good.has(id));
  if (bare.length === kept.length) return ['No volume has a good backup outside of the lab.'];
  if (bare.length === 0)
    return [kept.length === 1 ? 'It has a good backup.' : 'Every volume has a good backup outside of the lab.'];
  return [...listed(bare, volumeMention), bare.length === 1 ? ' has no good backup yet.' : ' have no good backup yet.'];
}

const isBehind = ({ state, behindSince }: VolumeRow['replicas'][number]): boolean =>
  behindSince !== null || state === 'failed';

const sentenceAge = (ms: number): string => (ms < 1000 ? 'just now' : `${roughly(ms)} ago`);

function toneFor(others: readonly AppFacts[], alerts: readonly { readonly severity: string }[]): Tone {
  if (alerts.some(({ severity }) => severity === 'critical')) return 'failed';
  if (alerts.length > 0) return 'attention';
  const seen = others.map(thingTone);
  return (['failed', 'attention', 'changing'] as const).find((tone) => seen.includes(tone)) ?? 'running';
}

const appMention = ({ namespace, name }: AppFacts): Mention => ({ kind: 'app', namespace, name });
const volumeMention = ({ namespace, name }: Pick<VolumeFacts, 'namespace' | 'name'>): Mention => ({
  kind: 'volume',
  namespace,
  name,
});

const listed = <T>(things: readonly T[], mention: (thing: T) => Mention): Phrase =>
  joined(
    things.slice(0, shown).map((thing) => [mention(thing)]),
    things.length - shown,
  );

/** `a`, `a and b`, `a, b and 4 more` */
function joined(items: readonly Phrase[], more: number): Phrase {
  const all = more > 0 ? [...items, [`${more} more`]] : items;
  return all.flatMap((item, n) => (n === 0 ? item : [n === all.length - 1 ? ' and ' : ', ', ...item]));
}

export const plain = (phrase: Phrase): string =>
  phrase.map((piece) => (typeof piece === 'string' ? piece : piece.name)).join('');
