import { timeZone } from '#events/cluster.ts';
import { name } from '#events/values/name.ts';
import { z } from 'zod';

export const clusterCommands = {
  'create-lab': z.strictObject({ name, timeZone }),
  'change-settings': z.strictObject({ timeZone }),
};
