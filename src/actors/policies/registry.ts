/** All policies, in the order in which they are asked. */
import { backupsPolicy } from './backups.ts';
import { dataLossPolicy } from './data-loss.ts';
import { fullnessPolicy } from './fullness.ts';
import { handoverPolicy } from './handover.ts';
import { livenessPolicy } from './liveness.ts';
import { membershipPolicy } from './membership.ts';
import { newerImagesPolicy } from './newer-images.ts';
import { operationsPolicy } from './operations.ts';
import { placementPolicy } from './placement.ts';
import type { Policy } from './policy.ts';
import { purgePolicy } from './purge.ts';
import { replicationPolicy } from './replication.ts';
import { retentionPolicy } from './retention.ts';
import { rolloutPolicy } from './rollout.ts';
import { schedulesPolicy } from './schedules.ts';
import { standbyPolicy } from './standby.ts';
import { transfersPolicy } from './transfers.ts';
import { upgradePolicy } from './upgrade.ts';

export const policies: readonly Policy[] = [
  rolloutPolicy,
  placementPolicy,
  operationsPolicy,
  schedulesPolicy,
  retentionPolicy,
  purgePolicy,
  livenessPolicy,
  membershipPolicy,
  fullnessPolicy,
  transfersPolicy,
  upgradePolicy,
  handoverPolicy,
  replicationPolicy,
  backupsPolicy,
  dataLossPolicy,
  newerImagesPolicy,
  standbyPolicy,
];
