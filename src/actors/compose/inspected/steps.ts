/**
 * How a project is handed over by hand, step by step. What is stopped stays until the new containers run: under another
 * name, because theirs are taken over, and with nothing that would start it again.
 */
import { formatSize } from '#events/values/size.ts';
import { appFolderVolume } from '../model.ts';
import type { FoundProject, MountPlan, PlanStep } from './plan.ts';
import { roomFor } from './write.ts';

interface Handover {
  readonly found: FoundProject;
  readonly app: string;
  readonly mounts: readonly MountPlan[];
  /** Of the original; undefined: one is written. */
  readonly fileName: string | undefined;
}

export function stepsOf({ found, app, mounts, fileName }: Handover): readonly PlanStep[] {
  const { node, project, folder, containers } = found;
  const names = containers.map(({ inspection }) => inspection.name);
  const file = fileName === undefined || folder === undefined ? `${app}.yaml` : `${folder}/${fileName}`;
  const adopted = distinct(mounts.filter(({ becomes }) => becomes === 'adopted'));
  const own = [...new Set(containers.flatMap(({ inspection }) => Object.keys(inspection.networks)))]
    .filter((name) => found.isCompose && name.startsWith(`${project}_`))
    .toSorted();
  const attach = adopted.length === 0 ? '' : ` --attach ${adopted.map(({ volume }) => volume).join(' ')}`;
  return [
    ...(file === `${app}.yaml`
      ? [
          step(
            'The file is written from the containers.',
            `floatlab adopt plan ${node}/${project} --file > ${app}.yaml`,
          ),
        ]
      : []),
    ...adopted.map((mount) => {
      const [native, size] = [quoted(mount.native ?? ''), formatSize(roomFor(mount.bytes ?? 0)).replaceAll(' ', '')];
      const name = `${app}-${mount.volume}`;
      return step(
        `${mount.native} becomes volume ${name} where it is, and can be given back.`,
        `floatlab volume adopt ${node}/${mount.pool} ${native} --as ${name} --size ${size}`,
      );
    }),
    pause(
      `On ${node}: its containers are stopped, and nothing starts them again.`,
      `docker update --restart=no ${names.join(' ')} && docker stop ${names.join(' ')}`,
    ),
    pause(
      `On ${node}: they make room, and stay until the new ones run.`,
      [
        ...names.map((name) => `docker rename ${name} ${name}-before`),
        ...own.map((name) => `docker network rm ${name}`),
      ].join(' && '),
    ),
    pause(
      'The app is created with its volumes; it does not start yet.',
      `floatlab up -f ${quoted(file)} --name ${app}${attach} --no-start`,
    ),
    ...copies(found, app, mounts),
    pause('It starts under FloatLab.', `floatlab app start ${app}`),
    step(
      `On ${node}, once it is well: the old containers go; what they had kept in volumes stays.`,
      `docker rm ${names.map((name) => `${name}-before`).join(' ')}`,
    ),
  ];
}

/** Each volume is filled once; that of the folder with all that is mounted of it. */
function copies({ node, containers, folder = '' }: FoundProject, app: string, mounts: readonly MountPlan[]) {
  const copied = mounts.filter(({ becomes }) => becomes === 'copied');
  const sourceOf = ({ service, target }: MountPlan): string =>
    containers.find((one) => one.service === service)?.inspection.mounts.find((one) => one.target === target)?.source ??
    '';
  const inFolder = [...new Set(copied.filter(({ volume }) => volume === appFolderVolume).map(sourceOf))].toSorted();
  const parts = inFolder.map((path) => (path === folder ? '.' : path.slice(folder.length + 1)));
  const whole = parts.includes('.') ? ['.'] : parts;
  return [
    ...distinct(copied.filter(({ volume }) => volume !== appFolderVolume)).map((mount) =>
      pause(
        `On ${node}: ${mount.source} is copied into volume ${app}-${mount.volume}${sizeOf(mount)}.`,
        `tar -C ${quoted(sourceOf(mount))} -cf - . | floatlab volume import ${app}-${mount.volume}`,
      ),
    ),
    ...(whole.length === 0
      ? []
      : [
          pause(
            `On ${node}: what is mounted from beside the compose file is copied into volume ${app}-${appFolderVolume}.`,
            `tar -C ${quoted(folder)} -cf - ${whole.map(quoted).join(' ')} | floatlab volume import ${app}-${appFolderVolume}`,
          ),
        ]),
  ];
}

const distinct = (mounts: readonly MountPlan[]): readonly MountPlan[] => [
  ...new Map(mounts.map((mount) => [mount.volume, mount])).values(),
];

const sizeOf = ({ bytes }: MountPlan): string => (bytes === null ? '' : `: ${formatSize(bytes)}`);

const step = (words: string, command: string): PlanStep => ({ words, interrupts: false, command });
const pause = (words: string, command: string): PlanStep => ({ words, interrupts: true, command });

/** As a shell takes it for one word. */
const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
