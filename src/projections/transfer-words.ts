/** What happens to files on their way, as sentences. */
import type { ActorState, LabView } from '#actors/actor.ts';
import { counted } from '#actors/counted.ts';
import { snapshotOf } from '#actors/transfer/machine.ts';
import type { EventOf } from '#events/envelope.ts';
import type { EventType } from '#events/registry.ts';
import { formatSize } from '#events/values/size.ts';
import { refTo } from './refs.ts';
import type { About } from './words.ts';

type Told =
  | Extract<EventType, `transfer.${string}`>
  | 'volume.files-restored'
  | 'volume.exported'
  | 'volume.import-began'
  | 'volume.imported'
  | 'volume.import-failed';
type TransferWords = { readonly [T in Told]: (event: EventOf<T>, about: About) => string };

/** More are counted, not named. */
const namedPaths = 5;

function pathWords(paths: readonly string[]): string {
  const named = paths.slice(0, namedPaths).join(', ');
  return paths.length > namedPaths ? `${named} and ${paths.length - namedPaths} more` : named;
}

const nameOf = (lab: LabView, stream: Parameters<typeof refTo>[1]): string => refTo(lab, stream)?.name ?? '?';
const transfer = ({ actor }: About) => (actor as ActorState<'transfer'>).context;

/** `The export of photos-db` */
function subject(about: About): string {
  const { task, volume } = transfer(about);
  const name = nameOf(about.lab, volume);
  const snapshot = snapshotOf({ task });
  const from = snapshot && refTo(about.lab, snapshot)?.name;
  switch (task.do) {
    case 'restore':
      return `The restore of ${pathWords(task.paths)} to ${name}${from === undefined ? '' : ` from ${from}`}`;
    case 'export':
      return `The export of ${name}${from === undefined ? '' : ` as of ${from}`}`;
    case 'import':
      return `The import into ${name}`;
  }
}

export const transferWords: TransferWords = {
  'transfer.requested': (_, about) => `${subject(about)} ${about.v('was', 'would be')} asked for.`,
  'transfer.began': (_, about) => `${subject(about)} ${about.v('begins', 'would begin')}.`,
  'transfer.finished': ({ data }, about) => {
    const files = data.files === undefined ? '' : `${counted(data.files, 'file')}, `;
    const skipped = data.skipped === undefined ? '' : `; ${counted(data.skipped, 'special file')} left out`;
    return `${subject(about)} ${about.v('is', 'would be')} done (${files}${formatSize(data.bytes)}${skipped}).`;
  },
  'transfer.cancel-requested': (_, about) =>
    `${subject(about)} ${about.v('is being', 'would be')} canceled: what it has done so far ${about.v('is', 'would be')} undone.`,
  'transfer.failed': ({ data }, about) =>
    `${subject(about)} ${about.v('failed', 'would fail')}: ${data.problem.message}`,
  'volume.files-restored': ({ data }, { name, v }) =>
    `${pathWords(data.paths)} ${v('came', 'would come')} back to volume ${name} from ${data.snapshot} ` +
    `(${counted(data.files, 'file')}, ${formatSize(data.bytes)}).`,
  'volume.exported': ({ data }, { name, v }) =>
    `Volume ${name} ${v('was', 'would be')} exported as of ${data.snapshot} (${formatSize(data.bytes)}).`,
  'volume.import-began': (_, { name, v }) =>
    `Volume ${name} ${v('is', 'would be')} imported into: nothing may use it until that has ended.`,
  'volume.imported': ({ data }, { name, v }) =>
    `Volume ${name} ${v('has', 'would have')} what was imported (${counted(data.files, 'file')}, ${formatSize(data.bytes)}).`,
  'volume.import-failed': ({ data }, { name, v }) =>
    `Volume ${name} ${v('is', 'would be')} as it was before the import: ${data.problem.message}`,
};
