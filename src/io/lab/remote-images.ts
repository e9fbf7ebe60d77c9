/**
 * Images between nodes: whoever is to run an app asks the others for the image of it.
 *
 *   images/held    whether a node has an image: one message
 *   images/bytes   the image, as its engine saves it: as fast as the reader's engine takes it, within the limit for bulk
 */
import * as z from 'zod';
import type { LabView } from '#actors/actor.ts';
import { streamOf } from '#events/envelope.ts';
import { imageDigest, imageId, imagePin, imageText } from '#events/values/image.ts';
import { askMs, giveImage, heldImage, sameProcessor, saveMs } from '../agent/images/source.ts';
import type { ImageHolder, ImageSource } from '../agent/images/source.ts';
import type { Call } from '../devices/call.ts';
import type { Clock } from '../devices/clock/port.ts';
import type { DockerPort } from '../devices/docker/port.ts';
import { asIoError, whoIs } from './elsewhere.ts';
import { limited } from './limited.ts';
import type { Others } from './others.ts';

const wanted = z.object({ image: imageText, pin: imagePin.exactOptional() });
const taken = z.object({ wanted, id: imageId });
const held = z.object({ id: imageId, digest: imageDigest.exactOptional(), sizeBytes: z.number().min(0) }).nullable();

/** Each is a few questions to the engine; a node asks once for each image that it lacks. */
const rate = { perSecond: 20, burst: 200 };

export interface RemoteImagesParts {
  readonly docker: DockerPort;
  readonly lab: LabView;
  readonly others: Others;
  readonly clock: Clock;
}

export function remoteImages({ docker, lab, others, clock }: RemoteImagesParts): ImageSource {
  const call = (signal: AbortSignal, timeoutMs: number): Call => ({ signal, timeoutMs, progress: () => {} });
  others.answer(
    'images/held',
    limited(rate, clock, async (said, _, signal) => {
      return (await heldImage(wanted.parse(said), docker, call(signal, askMs))) ?? null;
    }),
  );
  others.offer(
    'images/bytes',
    (params, _, signal) => giveImage(taken.parse(params), { docker, lab }, call(signal, saveMs)),
    'bulk',
  );

  const self = streamOf('node', others.self);
  return {
    find: async (image, signal) => {
      const within = AbortSignal.any([signal, AbortSignal.timeout(askMs)]);
      const asked = others.reachable.filter((node) => sameProcessor(self, streamOf('node', node), lab)).toSorted();
      const found = await Promise.all(
        asked.map(async (node): Promise<readonly ImageHolder[]> => {
          try {
            const answer = held.parse(await others.ask(node, 'images/held', image, within));
            return answer ? [{ ...answer, node, nodeName: whoIs(lab, node).name }] : [];
          } catch {
            // Whoever does not answer cannot give it either.
            return [];
          }
        }),
      );
      return found.flat();
    },
    read: async function* ({ node, id }, image, signal) {
      try {
        yield* others.read(node, 'images/bytes', { wanted: image, id }, signal);
      } catch (error) {
        throw asIoError(error, 'copy image', whoIs(lab, node));
      }
    },
  };
}
