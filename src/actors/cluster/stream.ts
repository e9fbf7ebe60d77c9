import { streamOf } from '#events/envelope.ts';

/** The lab is one: its stream has a fixed name. */
export const clusterStream = streamOf('cluster', 'lab');
