/** Names of images as the agent looks at them. */
import { normalReference, splitReference } from '../../devices/docker/reference.ts';

/** What the lab builds or brings along itself: no registry is asked for it, where anybody could own such a name. */
export const isLabImage = (image: string): boolean => /^(?:docker\.io\/)?floatlab\//.test(image);

/** `sha256:…` where the text names the digest itself. */
export function digestIn(image: string): string | undefined {
  const { version } = splitReference(image);
  return version.includes(':') ? version : undefined;
}

/** The reference by which a registry, or an engine that got it there, knows the image whatever its tags say. */
export const byDigest = (image: string, digest: string): string => `${splitReference(image).repository}@${digest}`;

/** By which the registry of this name knows an image; undefined: it came another way. @param repoDigests of the image */
export function digestFor(image: string, repoDigests: readonly string[]): string | undefined {
  const wanted = repositoryOf(image);
  const found = repoDigests.find((known) => repositoryOf(known) === wanted);
  return found && digestIn(found);
}

const repositoryOf = (reference: string): string => {
  const { repository } = splitReference(normalReference(`${splitReference(reference).repository}:any`));
  return repository;
};
