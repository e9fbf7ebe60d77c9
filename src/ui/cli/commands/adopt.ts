/** What runs beside the lab: found on its nodes, and what would become of it. */
import { formatSize } from '#events/values/size.ts';
import type { AdoptableProject, AdoptionPlanAnswer } from '#io/contract/adoption.ts';
import type { Command } from 'commander';
import type { Cli, Lab } from '../cli.ts';
import { usageError } from '../errors.ts';
import { examples, readOptions, type ReadOptions } from '../options.ts';
import { formatOf, isStructured, printFields, printList, printStructured } from '../output/formats.ts';
import { printFindings } from '../output/problems.ts';
import { safe } from '../output/safe.ts';
import { paintState } from '../output/style.ts';
import { counted, orDash } from '../output/words.ts';
import { readRows } from '../rows.ts';

interface ScanOptions extends ReadOptions {
  readonly node?: string;
}
interface PlanOptions extends ReadOptions {
  readonly file?: boolean;
}
type Found = AdoptableProject & { readonly node: string };

export function addAdoptCommands(program: Command, cli: Cli): void {
  const group = program
    .command('adopt')
    .description('find what runs beside the lab, and see what handing it over means');

  const scan = group
    .command('scan')
    .description('compose projects and containers that run on the nodes beside the lab')
    .option('--node <node>', 'on this node alone');
  scan.action((options: ScanOptions) => scanNodes(cli, options));
  examples(readOptions(scan), 'floatlab adopt scan', 'floatlab adopt scan --node atlas -o json');

  const plan = group
    .command('plan')
    .description('what would become of one: its file, its mounts, the steps; nothing is changed')
    .argument('<node/project>', 'a compose project, or a container by its name')
    .option('--file', 'print the compose file alone; it may hold secrets');
  plan.action((project: string, options: PlanOptions) => showPlan(cli, options, project));
  examples(
    readOptions(plan),
    'floatlab adopt plan atlas/photos',
    'floatlab adopt plan atlas/photos --file > photos.yaml',
  );
}

async function scanNodes(cli: Cli, options: ScanOptions): Promise<void> {
  const lab = await cli.lab(options);
  const found: Found[] = [];
  for (const node of await nodesOf(cli, lab, options)) {
    try {
      const { items } = await lab.rest.projects(node, { signal: cli.world.interrupt });
      found.push(...items.map((item) => ({ ...item, node })));
    } catch (error) {
      // One that does not answer hides nothing of the others.
      if (options.node !== undefined || cli.world.interrupt.aborted) throw error;
      cli.print.talk(`Node ${node} was not asked: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const format = formatOf(options);
  if (isStructured(format)) return printStructured(cli.print, format, found);
  printList<Found>(cli.print, options, {
    rows: found,
    name: ({ node, name }) => `${node}/${name}`,
    empty: 'Nothing runs beside the lab.',
    columns: [
      { header: 'PROJECT', value: ({ node, name }) => `${node}/${name}` },
      { header: 'KIND', value: ({ isCompose }) => (isCompose ? 'compose' : 'container') },
      { header: 'STATE', value: stateOf, paint: (text, row) => paintState(cli.print.style, text, stateOf(row)) },
      { header: 'CONTAINERS', value: ({ containers }) => String(containers.length), right: true },
      { header: 'IMAGES', value: ({ containers }) => [...new Set(containers.map(({ image }) => image))].join(', ') },
      { header: 'FOLDER', value: ({ folder }) => orDash(folder), wide: true },
    ],
  });
}

async function nodesOf(cli: Cli, lab: Lab, options: ScanOptions): Promise<readonly string[]> {
  if (options.node !== undefined) return [options.node];
  const rows = await readRows(cli, lab, 'nodes', {});
  return rows
    .filter(({ state }) => state === 'up')
    .map(({ name }) => name)
    .toSorted();
}

/** Of a whole project: what a person looks for first. */
function stateOf({ containers }: AdoptableProject): string {
  if (containers.some(({ health }) => health === 'unhealthy')) return 'unhealthy';
  const running = containers.filter(({ state }) => state === 'running').length;
  return running === containers.length
    ? 'running'
    : running === 0
      ? 'stopped'
      : `${running} of ${containers.length} run`;
}

async function showPlan(cli: Cli, options: PlanOptions, text: string): Promise<void> {
  const slash = text.indexOf('/');
  const [node, project] = [text.slice(0, slash), text.slice(slash + 1)];
  if (slash < 1 || project === '' || project.includes('/'))
    throw usageError(`${text} is not node/project.`, 'Write for example atlas/photos. floatlab adopt scan shows them.');
  const lab = await cli.lab(options);
  const plan = await lab.rest.adoptionPlan(node, project, { signal: cli.world.interrupt });
  if (options.file) return cli.print.data(plan.file.text.replace(/\n$/, ''));
  const format = formatOf(options);
  if (isStructured(format)) return printStructured(cli.print, format, plan);
  if (options.quiet) return;
  printPlan(cli, plan);
}

function printPlan(cli: Cli, plan: AdoptionPlanAnswer): void {
  const { print } = cli;
  const { bold, bad } = print.style;
  const { file, mounts, differences, problems, steps } = plan;
  const say = (line: string): void => print.data(safe(line));
  printFields(print, [
    ['project', `${plan.node}/${plan.project}, ${counted(plan.containers.length, 'container')}`],
    ['app', plan.app],
    ['file', file.origin === 'original' ? `${file.name}, as it lies there` : 'written from the containers'],
    ['why', file.why],
  ]);
  if (differences.length > 0) {
    print.data('');
    print.data(bold('The file, and what runs'));
    for (const { service, key, file: said, runs } of differences)
      say(`  ${service} ${key}: ${said === '' ? 'nothing' : said} → ${runs === '' ? 'nothing' : runs}`);
  }
  if (mounts.length > 0) {
    print.data('');
    printList<AdoptionPlanAnswer['mounts'][number]>(
      print,
      {},
      {
        rows: mounts,
        name: ({ target }) => target,
        empty: '',
        columns: [
          { header: 'SERVICE', value: ({ service }) => service },
          { header: 'TARGET', value: ({ target }) => target },
          { header: 'BECOMES', value: ({ becomes }) => becomeWords[becomes] },
          { header: 'SIZE', value: ({ bytes }) => (bytes === null ? '–' : formatSize(bytes)), right: true },
          { header: 'HOW', value: ({ words }) => words, wraps: true },
        ],
      },
    );
  }
  if (problems.length > 0) {
    print.data('');
    print.data(bold('What keeps it from being handed over'));
    for (const problem of problems) print.data(`  ${bad(safe(problem))}`);
  }
  printFindings(print, plan.findings);
  if (steps.length > 0) {
    print.data('');
    print.data(bold('Step by step'));
    for (const [n, { words, interrupts, command }] of steps.entries()) {
      say(`  ${n + 1}. ${words}${interrupts ? ' (the app does not answer)' : ''}`);
      if (command !== null) say(`     ${command}`);
    }
  }
}

const becomeWords: Readonly<Record<AdoptionPlanAnswer['mounts'][number]['becomes'], string>> = {
  adopted: 'a volume, in place',
  copied: 'a volume, copied',
  external: 'data of the node',
  share: 'a share',
  problem: 'a problem',
};
