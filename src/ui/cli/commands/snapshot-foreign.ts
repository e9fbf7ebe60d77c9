/** Snapshots of a volume that other tools took: listed, and never more than that. */
import { formatSize } from '#events/values/size.ts';
import type { ForeignSnapshot, ForeignSnapshotsAnswer } from '#io/contract/foreign-snapshots.ts';
import type { Cli, Lab } from '../cli.ts';
import { usageError } from '../errors.ts';
import { momentsOf } from '../moments.ts';
import type { ReadOptions, Ref } from '../options.ts';
import { formatOf, isStructured, printList, printStructured } from '../output/formats.ts';
import { counted, momentWords } from '../output/words.ts';

export async function listForeignSnapshots(cli: Cli, options: ReadOptions, volume: string): Promise<void> {
  if (options.at !== undefined)
    throw usageError(
      'Snapshots of other tools are known as they are now.',
      'The lab keeps no history of what it did not take: leave --at out.',
    );
  const lab = await cli.lab(options);
  const ref = lab.ref(volume, options);
  const { items, truncated } = await lab.rest.foreignSnapshots(ref, { signal: cli.world.interrupt });
  const { ago } = momentsOf(cli, options);
  const format = formatOf(options);
  if (isStructured(format)) return printStructured(cli.print, format, items);
  printList<ForeignSnapshot>(cli.print, options, {
    rows: items,
    name: ({ name }) => name,
    empty: `Volume ${ref.name} has no snapshots of other tools.`,
    columns: [
      { header: 'SNAPSHOT', value: ({ name }) => name },
      { header: 'TAKEN', value: ({ takenAt }) => (takenAt === null ? '–' : ago(takenAt)) },
      {
        header: 'USED',
        value: ({ exclusiveBytes }) => (exclusiveBytes === null ? '–' : formatSize(exclusiveBytes)),
        right: true,
      },
      { header: 'TIME', value: ({ takenAt }) => (takenAt === null ? '–' : momentWords(takenAt)), wide: true },
    ],
  });
  if (truncated) cli.print.talk(`There are older ones: these are the newest ${items.length}.`);
}

/** So long the list waits to say that there are others. */
const mentionWithinMs = 3_000;

/** Under the table of a person: that there are others. A node that is away, or slow, costs the list nothing but a moment. */
export async function mentionForeign(cli: Cli, lab: Lab, options: ReadOptions, ref: Ref): Promise<void> {
  if (options.quiet || options.at !== undefined || isStructured(formatOf(options))) return;
  const signal = AbortSignal.any([cli.world.interrupt, AbortSignal.timeout(mentionWithinMs)]);
  let found: ForeignSnapshotsAnswer;
  try {
    found = await lab.rest.foreignSnapshots(ref, { signal });
  } catch (error) {
    if (cli.world.interrupt.aborted) throw error;
    return;
  }
  const { items, truncated } = found;
  if (items.length === 0) return;
  const many = truncated ? `More than ${items.length} snapshots` : counted(items.length, 'snapshot');
  cli.print.talk(
    `${many} of other tools ${items.length === 1 ? 'is' : 'are'} there as well: ` +
      `floatlab volume snapshots ${ref.name} --foreign`,
  );
}
