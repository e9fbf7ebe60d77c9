/** A volume as the command line takes it: as it is now, or as of a snapshot. */
export const volumeAt = (volume: string, snapshot: string | undefined): string =>
  snapshot === undefined ? volume : `${volume}@${snapshot}`;
