/**
 * Names of images, as people write them: `postgres`, `postgres:16`, `ghcr.io/x/y:1.2`, `localhost:5000/a@sha256:…`.
 */

export interface ImageName {
  readonly repository: string;
  /** A tag, or a digest such as `sha256:…`. */
  readonly version: string;
}

/** `latest` where neither a tag nor a digest is named. A colon before the last slash belongs to a host's port. */
export function splitReference(reference: string): ImageName {
  const at = reference.indexOf('@');
  if (at >= 0) return { repository: withoutTag(reference.slice(0, at)), version: reference.slice(at + 1) };
  const repository = withoutTag(reference);
  return { repository, version: reference.slice(repository.length + 1) || 'latest' };
}

function withoutTag(text: string): string {
  const colon = text.lastIndexOf(':');
  return colon > text.lastIndexOf('/') ? text.slice(0, colon) : text;
}

/** One spelling per image: `nginx`, `nginx:latest` and `docker.io/library/nginx` are the same. */
export function normalReference(reference: string): string {
  const { repository, version } = splitReference(reference);
  const [first = '', ...rest] = repository.split('/');
  const hasHost = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost');
  const path = hasHost ? repository : `docker.io/${rest.length === 0 ? `library/${first}` : repository}`;
  return `${path}${version.includes(':') ? '@' : ':'}${version}`;
}

/** The registry of an image, by host and port; `docker.io` where none is named. */
export const registryOf = (reference: string): string => normalReference(reference).split('/')[0] ?? '';
