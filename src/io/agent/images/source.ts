/**
 * Images that other nodes of the lab have. Who has one is asked at the moment when it is needed: each node knows that of
 * itself, and what nobody needs need not be told.
 */
import type { LabView } from '#actors/actor.ts';
import type { ImagePin } from '#events/values/image.ts';
import { idOf, type StreamId } from '#events/envelope.ts';
import type { Call } from '../../devices/call.ts';
import type { DockerPort, ImageFacts } from '../../devices/docker/port.ts';
import { IoError } from '../../devices/error.ts';
import { byDigest, digestFor } from './names.ts';

export interface WantedImage {
  /** The text of the compose file. */
  readonly image: string;
  /** What that stands for, once it was found out. */
  readonly pin?: ImagePin;
}

export interface HeldImage {
  readonly id: string;
  /** By which the registry of its name knows it, if it came from there. */
  readonly digest?: string;
  readonly sizeBytes: number;
}

export interface ImageHolder extends HeldImage {
  /** Id of the node. */
  readonly node: string;
  readonly nodeName: string;
}

export interface ImageSource {
  /** Other nodes that have it, and that have the same kind of processor; whoever does not answer has none. */
  find(wanted: WantedImage, signal: AbortSignal): Promise<readonly ImageHolder[]>;
  /** Its bytes, as fast as the reader takes them. @throws IoError */
  read(holder: ImageHolder, wanted: WantedImage, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** What an engine has of it: by its pin, and without one by its name. */
export async function heldImage(
  { image, pin }: WantedImage,
  docker: Pick<DockerPort, 'image'>,
  call: Call,
): Promise<HeldImage | undefined> {
  if (!pin) return held(image, await docker.image(image, call));
  for (const id of pin.ids) {
    const found = await docker.image(id, call);
    if (found) return held(image, found);
  }
  return pin.digest === undefined ? undefined : held(image, await docker.image(byDigest(image, pin.digest), call));
}

function held(image: string, found: ImageFacts | undefined): HeldImage | undefined {
  if (!found) return undefined;
  const digest = digestFor(image, found.repoDigests);
  return { id: found.id, sizeBytes: found.sizeBytes, ...(digest === undefined ? {} : { digest }) };
}

/**
 * The bytes of an image for another node: of one that an app of the lab names, and of no other one that this machine has.
 * @throws IoError PERMISSION, MISSING
 */
export async function* giveImage(
  { wanted, id }: { readonly wanted: WantedImage; readonly id: string },
  { docker, lab }: { readonly docker: Pick<DockerPort, 'image' | 'saveImage'>; readonly lab: LabView },
  call: Call,
): AsyncGenerator<Uint8Array> {
  if (!isNamed(wanted.image, lab)) throw refusal('PERMISSION', wanted.image, 'no app of the lab names it');
  const present = await heldImage(wanted, docker, call);
  if (present?.id !== id) throw refusal('MISSING', wanted.image, 'this node does not have it any more');
  yield* await docker.saveImage(id, call);
}

/** Whether an app of the lab, or what still runs of an older revision, has a service of this image. */
function isNamed(image: string, lab: LabView): boolean {
  const names = ({ services }: { readonly services: Readonly<Record<string, { readonly image: string }>> }): boolean =>
    Object.values(services).some((service) => service.image === image);
  return (
    lab.list('app').some(({ context }) => names(context.spec)) ||
    lab.list('instance').some(({ context }) => names(context.spec))
  );
}

/** Whether what runs on one node runs on the other. Of a node that has not said, it is not assumed. */
export function sameProcessor(a: StreamId<'node'>, b: StreamId<'node'>, lab: LabView): boolean {
  const [one, other] = [a, b].map((node) => lab.get(node)?.context.facts?.architecture);
  return one !== undefined && one === other;
}

/** A lab whose nodes all run here. */
export function imagesAmong(
  lab: LabView,
  self: StreamId<'node'>,
  dockerOf: (node: StreamId<'node'>) => DockerPort | undefined,
): ImageSource {
  const call = (signal: AbortSignal, timeoutMs: number): Call => ({ signal, timeoutMs, progress: () => {} });
  return {
    find: async (wanted, signal) => {
      const holders: ImageHolder[] = [];
      for (const { stream, state, context } of lab.list('node')) {
        const docker = dockerOf(stream);
        if (stream === self || state !== 'up' || !docker || !sameProcessor(self, stream, lab)) continue;
        const found = await heldImage(wanted, docker, call(signal, askMs)).catch(() => undefined);
        if (found) holders.push({ ...found, node: idOf(stream), nodeName: context.metadata.name });
      }
      return holders;
    },
    read: (holder, wanted, signal) => {
      const docker = dockerOf(`node:${holder.node}`);
      if (!docker) throw refusal('MISSING', wanted.image, `node ${holder.nodeName} is not here`);
      return giveImage({ wanted, id: holder.id }, { docker, lab }, call(signal, saveMs));
    },
  };
}

/** An engine that is asked what it has. */
export const askMs = 10_000;
/** Until an engine begins to give an image: it reads all of it first. */
export const saveMs = 600_000;

const refusal = (code: 'PERMISSION' | 'MISSING', target: string, message: string): IoError =>
  new IoError(code, { op: 'copy image', target, message: `image ${target} cannot be given: ${message}` });
