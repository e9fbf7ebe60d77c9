/** A registry of images, as references to its images begin: `ghcr.io`, `registry.lab:5000`, `[2001:db8::1]:5000`. */
import * as z from 'zod';

/** What is meant where a reference names no registry. */
export const defaultRegistry = 'docker.io';

export const registryHost = z
  .string()
  .max(255)
  .regex(
    /^(?:[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::[1-9]\d{0,4})?$/,
    'not a registry: give its host, and its port where it has one of its own, such as ghcr.io or registry.lab:5000',
  )
  // Otherwise it would be the first part of a name: "team/app" is an image of docker.io.
  .refine(
    (host) => host === 'localhost' || /[.:]/.test(host),
    'not a registry: its host has a dot or a port, such as ghcr.io or registry:5000',
  );

export const registryUser = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\p{Cc}:]+$/u, 'not the name of a user: it has no colon and no control characters');

/** What a person writes for a registry: with `https://`, in capitals, or by another name of Docker Hub. */
export function registryNamed(text: string): string | undefined {
  const host = text
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/(?:v[12]\/?)?$/, '');
  const known = hubNames.has(host) ? defaultRegistry : host;
  return registryHost.safeParse(known).success ? known : undefined;
}
const hubNames = new Set(['hub.docker.com', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com']);
