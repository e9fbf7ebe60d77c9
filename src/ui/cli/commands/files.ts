/** Files of volumes, now or as in a snapshot: look, fetch, compare, bring back. */
import { formatSize } from '#events/values/size.ts';
import { baseName, joinPath, typedPath } from '#events/values/tree-path.ts';
import type { Difference, FileEntry, FileFacts } from '#io/contract/files.ts';
import type { Command } from 'commander';
import { agree, change, checkOptions } from '../change.ts';
import type { Cli, Lab } from '../cli.ts';
import { usageError } from '../errors.ts';
import { momentsOf } from '../moments.ts';
import {
  changeOptions,
  examples,
  namespaceOption,
  outputOptions,
  yesOption,
  type ChangeOptions,
  type LabOptions,
  type Ref,
} from '../options.ts';
import { formatOf, isStructured, printList, printStructured, type OutputOptions } from '../output/formats.ts';
import { counted } from '../output/words.ts';
import { receiveTo } from '../receive.ts';

interface LookOptions extends LabOptions, OutputOptions {
  readonly namespace?: string;
}

export function addFilesCommands(program: Command, cli: Cli): void {
  const group = program.command('files').description('look at files of volumes and snapshots, and bring them back');

  const list = group
    .command('ls')
    .alias('list')
    .description('what is in a folder of a volume')
    .argument('<volume[@snapshot]>')
    .argument('[path]', 'from the root of the volume', '');
  list.action((of: string, path: string, options: LookOptions) => listFiles(cli, options, of, path));
  examples(
    namespaceOption(outputOptions(list)),
    'floatlab files ls photos-db',
    'floatlab files ls photos-db@before-upgrade config',
  );

  const get = group
    .command('get')
    .description('fetch a file, or a folder as a tar')
    .argument('<volume[@snapshot]>')
    .argument('<path>')
    .option('--file <file>', 'where to write it; - is stdout', '');
  get.action((of: string, path: string, options: GetOptions) => getFile(cli, options, of, path));
  examples(
    namespaceOption(get.option('-q, --quiet', 'say nothing on success')),
    'floatlab files get photos-db@before-upgrade config/app.ini',
    'floatlab files get photos-db config --file - > config.tar',
  );

  const diff = group
    .command('diff')
    .description('what is different since a snapshot, or between two')
    .argument('<volume@snapshot>')
    .argument('[path]', 'only there and below', '')
    .option('--to <snapshot>', 'the newer of the two; now when it is left out')
    .option('--content', 'read also files that have the same size and time');
  diff.action((of: string, path: string, options: DiffOptions) => diffFiles(cli, options, of, path));
  examples(
    namespaceOption(outputOptions(diff)),
    'floatlab files diff photos-db@before-upgrade',
    'floatlab files diff photos-db@monday --to tuesday config',
  );

  const restore = group
    .command('restore')
    .description('bring files and folders of a snapshot back; replaces nothing unless told to')
    .argument('<volume@snapshot>')
    .argument('<path...>')
    .option('--to <folder>', 'a folder of the volume to put them into; where they were when it is left out')
    .option('--overwrite', 'replace what is there; else what comes back gets another name');
  restore.action((of: string, paths: readonly string[], options: RestoreOptions) =>
    restoreFiles(cli, options, of, paths),
  );
  examples(
    yesOption(namespaceOption(changeOptions(restore))),
    'floatlab files restore photos-db@before-upgrade config/app.ini',
    'floatlab files restore photos-db@before-upgrade config --to rescued',
  );
}

/** `photos-db`, `photos-db@before-upgrade`, `media/photos-db@before-upgrade`. */
export function volumeAt(lab: Lab, text: string, options: { readonly namespace?: string }) {
  const at = text.indexOf('@');
  const snapshot = at === -1 ? undefined : text.slice(at + 1);
  if (snapshot === '') throw usageError(`${text} names no snapshot after the @.`, 'Leave the @ out for now.');
  return { ref: lab.ref(at === -1 ? text : text.slice(0, at), options), snapshot };
}

function volumeAtSnapshot(lab: Lab, text: string, options: { readonly namespace?: string }) {
  const { ref, snapshot } = volumeAt(lab, text, options);
  if (snapshot !== undefined) return { ref, snapshot };
  throw usageError(
    `${text} names no snapshot.`,
    `Write ${ref.name}@SNAPSHOT; floatlab volume snapshots ${ref.name} lists them.`,
  );
}

async function listFiles(cli: Cli, options: LookOptions, of: string, typed: string): Promise<void> {
  const lab = await cli.lab(options);
  const { ref, snapshot } = volumeAt(lab, of, options);
  const path = typedPath(typed);
  const { signal } = { signal: cli.world.interrupt };
  const rows: FileEntry[] = [];
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const page = await lab.rest.files(ref, { path, snapshot, cursor, limit: 1000, signal });
    if (page.self.kind !== 'folder') rows.push({ name: baseName(path), ...page.self });
    rows.push(...page.items);
    cursor = page.cursor;
  }
  const { ago } = momentsOf(cli, {});
  printList<FileEntry>(cli.print, options, {
    rows,
    name: ({ name }) => name,
    empty: `There is nothing in ${path === '' ? `volume ${ref.name}` : path}.`,
    columns: [
      { header: 'MODE', value: modeWords },
      { header: 'OWNER', value: ({ uid, gid }) => `${uid}:${gid}` },
      { header: 'SIZE', value: ({ kind, sizeBytes }) => (kind === 'file' ? formatSize(sizeBytes) : '–'), right: true },
      { header: 'CHANGED', value: ({ modifiedAt }) => ago(modifiedAt) },
      { header: 'NAME', value: nameWords },
    ],
  });
}

const signs: Readonly<Record<FileFacts['kind'], string>> = {
  file: '-',
  folder: 'd',
  link: 'l',
  fifo: 'p',
  socket: 's',
  device: 'b',
};

/** `drwxr-x---`, as `ls` has it. */
function modeWords({ kind, mode }: FileFacts): string {
  const bits = 'rwxrwxrwx'.split('').map((sign, n) => ((mode & (0o400 >> n)) === 0 ? '-' : sign));
  const special = [
    [0o4000, 2, 's'],
    [0o2000, 5, 's'],
    [0o1000, 8, 't'],
  ] as const;
  for (const [bit, at, sign] of special)
    if ((mode & bit) !== 0) bits[at] = bits[at] === '-' ? sign.toUpperCase() : sign;
  return `${signs[kind]}${bits.join('')}`;
}

const nameWords = ({ name, kind, target }: FileEntry): string =>
  `${name}${kind === 'folder' ? '/' : ''}${target === undefined ? '' : ` → ${target}`}`;

interface GetOptions extends LabOptions {
  readonly namespace?: string;
  readonly file: string;
  readonly quiet?: boolean;
}

async function getFile(cli: Cli, options: GetOptions, of: string, typed: string): Promise<void> {
  const lab = await cli.lab(options);
  const { ref, snapshot } = volumeAt(lab, of, options);
  const path = typedPath(typed);
  const signal = cli.world.interrupt;
  const { self } = await lab.rest.files(ref, { path, snapshot, limit: 1, signal });
  const own = path === '' ? ref.name : baseName(path);
  const file = options.file === '' ? (self.kind === 'folder' ? `${own}.tar` : own) : options.file;
  await receiveTo(cli, file, await lab.rest.readFile(ref, { path, snapshot, signal }), {
    what: path === '' ? `volume ${ref.name}` : path,
    quiet: options.quiet ?? false,
    why: () => lab.rest.files(ref, { path, snapshot, limit: 1, signal }),
  });
}

interface DiffOptions extends LookOptions {
  readonly to?: string;
  readonly content?: boolean;
}

async function diffFiles(cli: Cli, options: DiffOptions, of: string, typed: string): Promise<void> {
  const lab = await cli.lab(options);
  const { ref, snapshot: from } = volumeAtSnapshot(lab, of, options);
  const path = typedPath(typed);
  const rows: Difference[] = [];
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const between = { from, to: options.to, content: options.content };
    const page = await lab.rest.diff(ref, between, { path, cursor, limit: 1000, signal: cli.world.interrupt });
    rows.push(...page.items);
    cursor = page.cursor;
  }
  printList<Difference>(cli.print, options, {
    rows,
    name: ({ path: one }) => one,
    empty: `Nothing is different between ${from} and ${options.to ?? 'now'}.`,
    columns: [
      { header: 'CHANGE', value: changeWords },
      { header: 'SIZE', value: sizeWords, right: true },
      {
        header: 'PATH',
        value: ({ path: one, before, after }) => ((after ?? before)?.kind === 'folder' ? `${one}/` : one),
      },
    ],
  });
}

const changeWords = ({ change, what }: Difference): string =>
  change !== 'changed'
    ? change
    : what === 'attributes'
      ? 'mode or owner'
      : what === 'kind'
        ? 'another kind'
        : 'changed';

function sizeWords({ before, after }: Difference): string {
  const [was, is] = [before, after].map((facts) => (facts?.kind === 'file' ? formatSize(facts.sizeBytes) : undefined));
  if (was !== undefined && is !== undefined && was !== is) return `${was} → ${is}`;
  return is ?? was ?? '–';
}

interface RestoreOptions extends ChangeOptions {
  readonly to?: string;
  readonly overwrite?: boolean;
}

async function restoreFiles(cli: Cli, options: RestoreOptions, of: string, typed: readonly string[]): Promise<void> {
  checkOptions(options);
  const lab = await cli.lab(options);
  const { ref, snapshot } = volumeAtSnapshot(lab, of, options);
  const paths = typed.map(typedPath);
  if (paths.includes(''))
    throw usageError(
      'The whole volume is not restored.',
      `Go back to it as a whole: floatlab volume rollback ${ref.name} ${snapshot}.`,
    );
  const overwrite = options.overwrite ?? false;
  const to = options.to === undefined ? {} : { to: typedPath(options.to) };
  if (overwrite && !options.yes && !options.dryRun) {
    await describe(cli, lab, ref, snapshot, paths, options.to);
    await agree(cli, options, `Replace what is there in ${ref.name}?`);
  }
  await change(
    cli,
    lab,
    options,
    'restore-files',
    { ...ref, snapshot, paths, overwrite, ...to },
    {
      done: `${paths.length === 1 ? paths[0] : counted(paths.length, 'path')} of ${ref.name} came back from ${snapshot}${overwrite ? '' : `; what is there already stays, and has NAME.restored-${snapshot} beside it`}.`,
      nothing: '',
    },
  );
}

/** What would be written: before it is. */
async function describe(
  cli: Cli,
  lab: Lab,
  ref: Ref,
  snapshot: string,
  paths: readonly string[],
  to: string | undefined,
): Promise<void> {
  if (to !== undefined)
    return cli.print.talk(`What is in ${joinPath('', typedPath(to))} under the same names would be replaced.`);
  for (const path of paths) {
    const { items, cursor } = await lab.rest.diff(
      ref,
      { from: snapshot },
      { path, limit: 20, signal: cli.world.interrupt },
    );
    if (items.length === 0) cli.print.talk(`${path} is as it was in ${snapshot}.`);
    for (const item of items)
      if (item.change !== 'added')
        cli.print.talk(`${item.change === 'removed' ? 'comes back' : 'is replaced'}  ${item.path}`);
    if (cursor !== undefined) cli.print.talk('… and more');
  }
}

/** For what prints an answer of a single thing. */
export function printAnswer(cli: Cli, options: OutputOptions, answer: object, sentence: string): void {
  const format = formatOf(options);
  if (isStructured(format)) printStructured(cli.print, format, answer);
  else if (!options.quiet) cli.print.talk(sentence);
}
