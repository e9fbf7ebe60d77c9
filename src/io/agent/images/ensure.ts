/**
 * How every start gets its image. What the text of a compose file stands for is found out once and pinned; from then on
 * that image runs and no other one, wherever its tag has been moved to meanwhile.
 *
 *   pinned       here, by digest or id  ─▶  another node of the lab, by id  ─▶  the registry, by digest
 *   not pinned   what the registry has under the tag, by its digest: then as above
 *                registry away, or the image is none of a registry: what this node has under the tag, then another node
 *
 * An image that came from another node is taken only when the engine calls it by an id of the pin. Every way that failed
 * is in the error.
 */
import type { ImagePin } from '#events/values/image.ts';
import type { Call } from '../../devices/call.ts';
import type { DockerPort, ImageInfo } from '../../devices/docker/port.ts';
import { asIoError, IoError } from '../../devices/error.ts';
import { byDigest, digestFor, digestIn, isLabImage } from './names.ts';
import type { LoginOf } from './logins.ts';
import type { ImageHolder, ImageSource, WantedImage } from './source.ts';

export interface ImagePorts {
  readonly docker: DockerPort;
  readonly images: ImageSource;
  /** What opens the registry of an image. */
  readonly logins: LoginOf;
}

export interface EnsuredImage {
  /** What a container is made of: a digest, or an id. */
  readonly reference: string;
  /** With the id that it has here. */
  readonly pin: ImagePin;
}

export type ImageCall = Pick<Call, 'signal' | 'timeoutMs' | 'progress'>;

/** A large image over a slow line. */
const transferMs = 3_600_000;
/** A registry that takes longer to say what a tag means counts as away. */
const resolveMs = 15_000;

/** @throws IoError IMAGE_NOT_FOUND, IMAGE_PULL_FAILED, ENGINE_UNREACHABLE, NO_SPACE */
export function ensureImage(wanted: WantedImage, ports: ImagePorts, call: ImageCall): Promise<EnsuredImage> {
  const { image, pin } = wanted;
  const digest = pin?.digest ?? digestIn(image);
  if (pin) return pinned(pin, ports, call, new Ways(image));
  if (digest !== undefined) return pinned({ image, digest, ids: [] }, ports, call, new Ways(image));
  return found(image, ports, call);
}

async function pinned(pin: ImagePin, ports: ImagePorts, call: ImageCall, ways: Ways): Promise<EnsuredImage> {
  const here = await present(pin, ports.docker, call);
  if (here) return here;
  ways.failed('this node', 'does not have it');
  const copied = await copiedFrom({ image: pin.image, pin }, ports, call, ways);
  if (copied) return ensured(pin, copied.id, copied.id);
  return pulled(pin, ports, call, ways);
}

/** What the engine has of a pin. */
async function present(pin: ImagePin, docker: DockerPort, call: Call): Promise<EnsuredImage | undefined> {
  if (pin.digest !== undefined) {
    const reference = byDigest(pin.image, pin.digest);
    const known = await docker.image(reference, call);
    if (known) return ensured(pin, known.id, reference);
  }
  for (const id of pin.ids) if (await docker.image(id, call)) return ensured(pin, id, id);
  return undefined;
}

const ensured = (pin: ImagePin, id: string, reference: string): EnsuredImage => ({
  reference,
  pin: pin.ids.includes(id) ? pin : { ...pin, ids: [...pin.ids, id].toSorted() },
});

/** By its digest, whatever its tag means by now. */
async function pulled(pin: ImagePin, ports: ImagePorts, call: ImageCall, ways: Ways): Promise<EnsuredImage> {
  const { image, digest } = pin;
  const { docker } = ports;
  if (digest === undefined) throw ways.unknownToRegistries();
  const reference = byDigest(image, digest);
  call.progress({ text: `pulling ${image} from its registry` });
  try {
    await docker.pull(reference, { ...call, timeoutMs: transferMs }, await ports.logins(image));
  } catch (error) {
    throw ways.registryFailed(error);
  }
  const known = await docker.image(reference, call);
  if (!known) throw ways.registryFailed(new Error('it is not there although it was pulled'));
  await named(known, image, docker, call);
  return ensured(pin, known.id, reference);
}

/** The first start with this text. */
async function found(image: string, ports: ImagePorts, call: ImageCall): Promise<EnsuredImage> {
  const { docker } = ports;
  const ways = new Ways(image);
  const local = await docker.image(image, call);
  const isOurs = isLabImage(image) || (local !== undefined && digestFor(image, local.repoDigests) === undefined);
  // Built, imported or loaded here: a registry would answer for another image of that name.
  if (isOurs && local) return asItIs(image, local);
  let away: unknown;
  if (!isOurs) {
    call.progress({ text: `asking the registry of ${image}` });
    try {
      const within = { ...call, timeoutMs: resolveMs };
      const digest = await docker.registryDigest(image, within, await ports.logins(image));
      return await pinned({ image, digest, ids: [] }, ports, call, ways);
    } catch (error) {
      if (call.signal.aborted || !(error instanceof IoError) || !isOfRegistry(error)) throw error;
      away = error;
    }
  }
  if (local) {
    call.progress({ text: `${image}: its registry did not answer, the one on this node is taken` });
    return asItIs(image, local);
  }
  ways.failed('this node', 'does not have it');
  const copied = await copiedFrom({ image }, ports, call, ways);
  if (copied) return ensured(pinOf(image, copied.id, copied.digest), copied.id, copied.id);
  if (isOurs) throw ways.unknownToRegistries();
  if (away instanceof IoError && away.code !== 'IMAGE_PULL_FAILED') throw ways.registryFailed(away);
  return pulledByTag(image, ports, call, ways);
}

/** Of an engine that cannot ask a registry for a digest, and perhaps of a registry that is back. */
async function pulledByTag(image: string, ports: ImagePorts, call: ImageCall, ways: Ways): Promise<EnsuredImage> {
  const { docker } = ports;
  call.progress({ text: `pulling ${image} from its registry` });
  try {
    await docker.pull(image, { ...call, timeoutMs: transferMs }, await ports.logins(image));
  } catch (error) {
    throw ways.registryFailed(error);
  }
  const known = await docker.image(image, call);
  if (!known) throw ways.registryFailed(new Error('it is not there although it was pulled'));
  return asItIs(image, known);
}

function asItIs(image: string, { id, repoDigests }: ImageInfo): EnsuredImage {
  const digest = digestFor(image, repoDigests);
  return ensured(pinOf(image, id, digest), id, digest === undefined ? id : byDigest(image, digest));
}

const pinOf = (image: string, id: string, digest: string | undefined): ImagePin => ({
  image,
  ...(digest === undefined ? {} : { digest }),
  ids: [id],
});

/** From whichever node has it; the next one when that fails. */
async function copiedFrom(
  wanted: WantedImage,
  ports: ImagePorts,
  call: ImageCall,
  ways: Ways,
): Promise<ImageHolder | undefined> {
  const { image, pin } = wanted;
  // What no id was ever found for cannot be recognized when it comes.
  if (pin?.ids.length === 0) return undefined;
  const holders = await ports.images.find(wanted, call.signal);
  const usable = holders.filter(({ id }) => pin?.ids.includes(id) ?? true);
  if (usable.length === 0) ways.failed('other nodes', 'none that can be asked has it');
  for (const holder of usable) {
    const { nodeName, sizeBytes: total } = holder;
    const text = `copying ${image} from ${nodeName}`;
    call.progress({ text });
    try {
      const bytes = counted(ports.images.read(holder, wanted, call.signal), (done) =>
        call.progress({ text, done: Math.min(done, total), total }),
      );
      await ports.docker.loadImage(bytes, { ...call, timeoutMs: transferMs });
      const came = await ports.docker.image(holder.id, call);
      if (!came) throw new Error(`what came is not ${holder.id}`);
      await named(came, image, ports.docker, call);
      return holder;
    } catch (error) {
      if (call.signal.aborted || isOfEngine(error)) throw error;
      ways.failed(`node ${nodeName}`, messageOf(error));
    }
  }
  return undefined;
}

/** Here nothing can be taken in, from wherever. */
const isOfEngine = (error: unknown): boolean =>
  error instanceof IoError && ['ABORTED', 'NO_SPACE'].includes(error.code) && error.op === 'docker load';

/** So that people see what it is, and nobody takes it for rubbish; a name that another image has here stays there. */
async function named({ id }: ImageInfo, image: string, docker: DockerPort, call: Call): Promise<void> {
  if (digestIn(image) !== undefined || (await docker.image(image, call))) return;
  await docker.tagImage(id, image, call);
}

const isOfRegistry = ({ code }: IoError): boolean =>
  ['IMAGE_PULL_FAILED', 'IMAGE_NOT_FOUND', 'TIMED_OUT', 'FAILED', 'MISSING'].includes(code);

async function* counted(bytes: AsyncIterable<Uint8Array>, tell: (done: number) => void): AsyncGenerator<Uint8Array> {
  let [done, told] = [0, 0];
  for await (const chunk of bytes) {
    yield chunk;
    done += chunk.length;
    if (done - told < tellEveryBytes) continue;
    told = done;
    tell(done);
  }
}
const tellEveryBytes = 2 ** 20;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Why each way led nowhere. */
class Ways {
  readonly #image: string;
  readonly #failed: string[] = [];

  constructor(image: string) {
    this.#image = image;
  }

  failed(where: string, why: string): void {
    this.#failed.push(`${where}: ${why}`);
  }

  /** @param error what the registry, or the way to it, said */
  registryFailed(error: unknown): IoError {
    const { code, op, message, hint } = asIoError(error, 'docker pull', this.#image);
    return new IoError(code, {
      ...{ op, target: this.#image, cause: error },
      message: this.#failed.length === 0 ? message : `${message} (${this.#failed.join('; ')})`,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  unknownToRegistries(): IoError {
    return new IoError('IMAGE_NOT_FOUND', {
      op: 'find image',
      target: this.#image,
      message: `image ${this.#image} is no image of a registry, and not to be had (${this.#failed.join('; ')})`,
      hint: 'Bring back a node that has it. Or build or import it on this node, and then update the app.',
    });
  }
}
