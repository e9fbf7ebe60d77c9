/**
 * Data of an app outside of its volumes: whether a revision can have it where it says, and a person's word that it
 * lies on another node by now.
 */
import type { AppSpec } from '#events/app.ts';
import type { AnyDraft } from '#events/envelope.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import type { Commands } from '../commands.ts';
import { draft, drafts, unchanged } from '../drafting.ts';
import { runsApps, withMember } from '../node/known.ts';
import { externalData, nodeCalled, nodeName, pathWords } from '../placement/external.ts';
import { reject, type Rejection } from '../rejection.ts';
import { liveInstance } from './actor.ts';

/** @param name of the app @param known as it is now; undefined: there is none yet */
export function refusePlacement(
  name: string,
  spec: AppSpec,
  known: ActorState<'app'> | undefined,
  lab: LabView,
): { readonly rejected: Rejection } | undefined {
  const wanted = spec.placement?.node;
  if (wanted === undefined) return undefined;
  const node = nodeCalled(wanted, lab);
  if (!node || !runsApps(node)) {
    return reject(
      'NO_NODE_FITS',
      node
        ? `Node ${wanted}, which the file names, runs no apps.`
        : `The file names node ${wanted}, and the lab has none of that name.`,
      'Correct `placement` under `x-floatlab`: floatlab node ls shows the nodes.',
    );
  }
  const data = externalData(spec);
  const tiedTo = known?.context.tiedTo ?? null;
  if (data.length === 0 || tiedTo === null || tiedTo === node.stream) return undefined;
  return reject(
    'NOT_NOW',
    `App ${name} has external data at ${pathWords(data)} on ${nodeName(tiedTo, lab)}, and the file names ${wanted}: FloatLab does not move what lies outside of volumes.`,
    `When ${wanted} has that data: floatlab app stop ${name}, then floatlab app tie ${name} ${wanted}, then deploy.`,
  );
}

/** Somebody has brought the data there, or says that it was there all the time. */
export const tieApp = (ask: Ask<Commands['tie-app']>, app: ActorState<'app'>, lab: LabView): Decision =>
  withMember(lab, ask.input.node, (node) => {
    const { name } = ask.input;
    const data = externalData(app.context.spec);
    if (data.length === 0) {
      return reject(
        'INVALID',
        `App ${name} has no data outside of its volumes: nothing ties it to a node.`,
        'It goes where its volumes go. To name its node, write `placement` into its file.',
      );
    }
    if (!runsApps(node)) return reject('NO_NODE_FITS', `Node ${ask.input.node} runs no apps.`, 'Choose another node.');
    if (app.context.tiedTo === node.stream) return unchanged;
    const instance = liveInstance(app.stream, lab);
    if (instance && instance.context.node !== node.stream) {
      return reject(
        'NOT_NOW',
        `App ${name} is on ${nodeName(instance.context.node, lab)} and uses its data there.`,
        `Stop it first: floatlab app stop ${name}.`,
      );
    }
    return drafts(tied(app, node));
  });

const tied = (app: ActorState<'app'>, node: ActorState<'node'>): AnyDraft =>
  draft(app.stream, 'app.tied', { node: node.stream });
