/** The images that a simulated engine has. */
import { normalReference, splitReference } from '../reference.ts';
import type { ImageFacts } from '../port.ts';

interface SimImage {
  readonly id: string;
  readonly createdAt: number;
  /** As they were given. */
  readonly tags: Set<string>;
  readonly repoDigests: Set<string>;
}

export const simImageBytes = 40 * 2 ** 20;
const savedPieces = 8;
const pieceBytes = 16 * 1024;

export class SimImages {
  readonly #all = new Map<string, SimImage>();

  /** @param reference a tag, a digest or an id */
  find(reference: string): SimImage | undefined {
    const byId = this.#all.get(reference);
    if (byId) return byId;
    const name = normalReference(reference);
    for (const image of this.#all.values())
      for (const known of [...image.tags, ...image.repoDigests]) if (normalReference(known) === name) return image;
    return undefined;
  }

  /** The tag of what was asked for by its id or digest; else what was asked for. */
  nameOf(reference: string): string {
    const image = reference.includes('sha256:') ? this.find(reference) : undefined;
    return image ? ([...image.tags].toSorted()[0] ?? reference.split('@')[0] ?? reference) : reference;
  }

  /** By id. */
  get facts(): readonly ImageFacts[] {
    return [...this.#all.values()].map(factsOf).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  add(id: string, createdAt: number): SimImage {
    const image = this.#all.get(id) ?? { id, createdAt, tags: new Set(), repoDigests: new Set() };
    this.#all.set(id, image);
    return image;
  }

  /** As a registry gave it: with its digest, and with its tag when it was asked for by one. */
  addPulled(id: string, reference: string, digest: string, now: number): void {
    const image = this.add(id, now);
    const { repository, version } = splitReference(reference);
    image.repoDigests.add(`${repository}@${digest}`);
    if (!version.includes(':')) this.tag(image, reference);
  }

  /** Another image of that name loses it. */
  tag(image: SimImage, reference: string): void {
    const name = normalReference(reference);
    for (const { tags } of this.#all.values())
      for (const known of tags) if (normalReference(known) === name) tags.delete(known);
    const { repository, version } = splitReference(reference);
    image.tags.add(`${repository}:${version}`);
  }

  /** A name goes, and with the last one its image. */
  remove(reference: string): void {
    const image = this.find(reference);
    if (!image) return;
    if (reference !== image.id && image.tags.size + image.repoDigests.size > 1) {
      const name = normalReference(reference);
      for (const names of [image.tags, image.repoDigests])
        for (const known of names) if (normalReference(known) === name) names.delete(known);
    } else this.#all.delete(image.id);
  }

  /** As a real engine saves by id: neither tags nor digests. */
  *save({ id, createdAt }: SimImage): Generator<Uint8Array> {
    const piece = new Uint8Array(pieceBytes).fill(32);
    for (let n = 0; n < savedPieces; n++) yield piece;
    yield new TextEncoder().encode(JSON.stringify({ id, createdAt }));
  }

  /** @returns whether it was whole */
  load(saved: string): boolean {
    try {
      const { id, createdAt } = JSON.parse(saved) as Pick<SimImage, 'id' | 'createdAt'>;
      this.add(id, createdAt);
      return true;
    } catch {
      return false;
    }
  }
}

export const factsOf = ({ id, createdAt, tags, repoDigests }: SimImage): ImageFacts => ({
  id,
  tags: [...tags].toSorted(),
  repoDigests: [...repoDigests].toSorted(),
  createdAt,
  sizeBytes: simImageBytes,
});
