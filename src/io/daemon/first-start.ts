/** What the first start decides, and a later one cannot change: it says so, instead of doing nothing without a word. */
import type { LabView } from '#actors/actor.ts';
import { IoError } from '../devices/error.ts';
import type { Settings } from './settings.ts';

/** @throws IoError INVALID when another name was asked for than the node has */
export function refuseOtherName({ said, nodeName }: Settings, known: string): void {
  if (said.has('name') && nodeName !== known) throw fixed('--name', nodeName, `this node is called ${known}`);
}

/**
 * @returns what a person should know
 * @throws IoError INVALID when another name was asked for than the lab has
 */
export function checkLab({ said, labName, timeZone }: Settings, lab: LabView): readonly string[] {
  const cluster = lab.list('cluster')[0]?.context;
  if (!cluster) return [];
  const { name } = cluster.metadata;
  if (said.has('lab') && labName !== name) throw fixed('--lab', labName, `this lab is called ${name}`);
  if (!said.has('time-zone') || timeZone === cluster.timeZone) return [];
  return [
    `--time-zone ${timeZone} is for the first start: the time zone of this lab is ${cluster.timeZone}. Change it in the web app, under Settings.`,
  ];
}

const fixed = (option: string, wanted: string, fact: string): IoError =>
  new IoError('INVALID', {
    op: 'floatlabd',
    target: option,
    message: `${option} ${wanted} is for the first start, and ${fact} since then`,
    hint: `Leave ${option} out. For another lab on this machine choose another directory: --data DIR`,
  });
