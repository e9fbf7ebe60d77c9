/**
 * How containers are recognized: by Compose's own labels, so that other tools still see the project, and by ours, so
 * that the agent knows whose they are and under which assignment.
 */
import type { InstanceInput, WorkOrder } from '#actors/work.ts';
import { defaultNamespace } from '#actors/drafting.ts';
import { idOf } from '#events/envelope.ts';

export type InstanceOrder = WorkOrder<'start-instance' | 'watch-instance' | 'halt-instance' | 'stop-instance'>;

export const label = {
  app: 'floatlab.app',
  instance: 'floatlab.instance',
  epoch: 'floatlab.epoch',
  service: 'floatlab.service',
  config: 'floatlab.config',
  /** Milliseconds; where the service says how long it may take to end. */
  stopGrace: 'floatlab.stop-grace',
} as const;

/** The project as Compose would call it; no name holds a `_`, so two namespaces never meet. */
export const projectOf = ({ namespace, appName }: InstanceInput): string =>
  namespace === defaultNamespace ? appName : `${namespace}_${appName}`;

/** @param key the network's in the file */
export const networkLabels = (input: InstanceInput, key: string): Record<string, string> => ({
  'com.docker.compose.project': projectOf(input),
  'com.docker.compose.network': key,
  [label.app]: idOf(input.app),
});

/** For whom a network was made, the first instance that used it, and how. */
export const networkNotes = ({ subject, epoch }: InstanceOrder, config: string): Record<string, string> => ({
  [label.instance]: idOf(subject),
  [label.epoch]: String(epoch),
  [label.config]: config,
});

/** Everything of the app on this engine, of whichever assignment. */
export const appSelector = (input: InstanceInput): Record<string, string> => ({ [label.app]: idOf(input.app) });

export const containerLabels = (
  order: InstanceOrder,
  service: string,
  config: string,
  stopGraceMs?: number,
): Record<string, string> => ({
  'com.docker.compose.project': projectOf(order.input),
  'com.docker.compose.service': service,
  'com.docker.compose.container-number': '1',
  'com.docker.compose.oneoff': 'False',
  'com.docker.compose.config-hash': config,
  [label.app]: idOf(order.input.app),
  [label.instance]: idOf(order.subject),
  [label.epoch]: String(order.epoch),
  [label.service]: service,
  [label.config]: config,
  ...(stopGraceMs === undefined ? {} : { [label.stopGrace]: String(stopGraceMs) }),
});
