import type { FilesPort } from './port.ts';

/** Remembers what was written, by absolute path. */
export function simFiles(): FilesPort & { readonly written: ReadonlyMap<string, string> } {
  const written = new Map<string, string>();
  return {
    written,
    ensure: (root, { files }) => {
      for (const { path, bytes } of files) written.set(`${root}/${path}`, Buffer.from(bytes).toString('base64'));
      return Promise.resolve();
    },
  };
}
