/** Files of a volume: to look at, to bring back, to take out and in. */
import { command, special, type Route } from './route.ts';

const snapshot = 'As in this snapshot; now when it is left out';
const page = {
  limit: 'At most 1000 (default 500)',
  cursor: 'Goes on where the page before ended',
};

/** @param volume the path of a volume */
export const filesRoutes = (volume: string): readonly Route[] => [
  special('list-files', 'get', `${volume}/files`, 'volumes', 'What is in a folder of the volume, by name', {
    query: {
      path: 'From the root of the volume, without a slash in front; the root when it is left out',
      snapshot,
      ...page,
    },
  }),
  special(
    'read-file',
    'get',
    `${volume}/files/content`,
    'volumes',
    'A file, or the part of it that `Range` asks for; a folder as a tar',
    { query: { path: 'From the root of the volume', snapshot } },
  ),
  special('diff-files', 'get', `${volume}/diff`, 'volumes', 'What is different between two snapshots, or since one', {
    query: {
      from: 'The older snapshot',
      to: 'The newer snapshot, or `now` (the default)',
      path: 'Only there and below',
      content: 'With `true` files of the same size and time are read, too',
      ...page,
    },
  }),
  command(
    'restore-files',
    'post',
    `${volume}/restore`,
    'volumes',
    'Bring files and folders of a snapshot back; nothing that is there is replaced unless overwrite is true',
  ),
  special(
    'export-volume',
    'get',
    `${volume}/export`,
    'volumes',
    'The whole volume as a tar, as of a snapshot: one is taken for it when none is named',
    { query: { snapshot: 'As in this snapshot' } },
  ),
  special(
    'import-volume',
    'put',
    `${volume}/import`,
    'volumes',
    'Fill the volume from a tar, which is the body: all of it, or nothing. Nothing may use the volume meanwhile',
    {
      query: {
        replace: 'With `true` what it holds goes, and is kept as a snapshot; else it has to be empty',
        dryRun: 'With `true` and no body: answer with the events with which it would begin, and append nothing',
      },
    },
  ),
];
