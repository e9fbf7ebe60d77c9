/**
 * `deploy`: what it says of one container is taken, as `docker compose up` takes it. What it says of a swarm, how many
 * there are and how they are exchanged, the lab decides: it is noted, or refused where the app would not be what was meant.
 */
import type { ContainerSettings, GpuRequest } from '#events/values/container-settings.ts';
import type { ServiceSpec } from '#events/app.ts';
import { keysAt } from '../keys.ts';
import type { Place, Reading } from '../reading.ts';
import { isEmpty, itemsAt, numberAt, optional, stringAt, textAt, written } from '../values.ts';
import { checkPairs, checkUpdateConfig } from './ignored.ts';
import { gpuAt } from './devices.ts';
import { countAt, cpusAt, memoryAt } from './limits.ts';

export const deployKeys = {
  of: 'deploy',
  mayBeEmpty: [],
  read: ['resources', 'replicas', 'mode', 'restart_policy', 'labels', 'update_config', 'rollback_config'],
  unread: {
    endpoint_mode: '',
    job_mode: '',
    placement: 'Say where it runs with `nodes` in x-floatlab of a volume.',
  },
  extensions: true,
} as const;
export const resourcesKeys = {
  of: 'resources',
  mayBeEmpty: [],
  read: ['limits', 'reservations'],
  extensions: true,
} as const;
export const limitKeys = { of: 'limits', mayBeEmpty: [], read: ['cpus', 'memory', 'pids'], extensions: true } as const;
export const reservationKeys = {
  of: 'reservations',
  mayBeEmpty: [],
  read: ['cpus', 'memory', 'devices'],
  unread: { generic_resources: '' },
  extensions: true,
} as const;
export const restartPolicyKeys = {
  of: 'restart_policy',
  mayBeEmpty: [],
  read: ['condition', 'max_attempts', 'delay', 'window'],
  extensions: true,
} as const;

export interface Deploy {
  readonly settings: ContainerSettings;
  readonly restart?: ServiceSpec['restart'];
}

export function deployAt(reading: Reading, place: Place): Deploy {
  const keys = isEmpty(place) ? undefined : keysAt(reading, place, deployKeys);
  if (!keys) return { settings: {} };
  const replicas = keys.get('replicas');
  const count = replicas && numberAt(reading, replicas, 0, 1000);
  if (replicas && count !== undefined && count !== 1)
    reading.report(replicas, 'One instance of each service runs.', 'Remove it.');
  const mode = keys.get('mode');
  const named = mode && textAt(reading, mode);
  if (mode && named !== undefined && named !== 'replicated')
    reading.report(mode, `${written(mode)} is not how the lab runs services.`, 'Remove it: one instance runs.');
  for (const key of ['labels', 'update_config', 'rollback_config'] as const) {
    const at = keys.get(key);
    if (!at) continue;
    if (key === 'labels') checkPairs(reading, at);
    else checkUpdateConfig(reading, at);
    reading.note(at, `\`${key}\` of \`deploy\` is for a swarm, and changes nothing in the lab.`, 'Remove it.');
  }
  const resources = keys.get('resources');
  const restart = keys.get('restart_policy');
  return {
    settings: resources ? resourcesAt(reading, resources) : {},
    ...(restart ? restartPolicyAt(reading, restart) : {}),
  };
}

function resourcesAt(reading: Reading, place: Place): ContainerSettings {
  const keys = isEmpty(place) ? undefined : keysAt(reading, place, resourcesKeys);
  const [limitsAt, reservedAt] = [keys?.get('limits'), keys?.get('reservations')];
  const limits = limitsAt && !isEmpty(limitsAt) ? keysAt(reading, limitsAt, limitKeys) : undefined;
  const reserved = reservedAt && !isEmpty(reservedAt) ? keysAt(reading, reservedAt, reservationKeys) : undefined;
  const cpus = optional(limits?.get('cpus'), (at) => cpusAt(reading, at));
  const memory = optional(limits?.get('memory'), (at) => memoryTextAt(reading, at));
  const pids = optional(limits?.get('pids'), (at) => countAt(reading, at, 1, 4_194_304));
  const kept = optional(reserved?.get('memory'), (at) => memoryTextAt(reading, at));
  const gpus = optional(reserved?.get('devices'), (at) => devicesAt(reading, at));
  const processors = reserved?.get('cpus');
  if (processors) {
    cpusAt(reading, processors);
    reading.note(
      processors,
      'Docker cannot keep processors free: this changes nothing.',
      'Remove it, or give cpu_shares.',
    );
  }
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(pids === undefined ? {} : { pidsLimit: pids }),
    ...(kept === undefined ? {} : { memoryReservationBytes: kept }),
    ...(gpus === undefined || gpus.length === 0 ? {} : { gpus }),
  };
}

/** With its unit: a bare number is refused here, as compose has it. */
const memoryTextAt = (reading: Reading, place: Place): number | undefined =>
  stringAt(reading, place, 'a size') === undefined ? undefined : memoryAt(reading, place);

/** What they can must be said, as compose wants it. */
function devicesAt(reading: Reading, place: Place): readonly GpuRequest[] {
  return (itemsAt(reading, place) ?? []).flatMap((item) => {
    const request = gpuAt(reading, item, []);
    if (!request) return [];
    if (request.capabilities.length > 0) return [request];
    reading.report(item, 'This device does not say what it has to be able to do.', 'Add capabilities: [gpu].');
    return [];
  });
}

function restartPolicyAt(reading: Reading, place: Place): Pick<Deploy, 'restart'> {
  const keys = isEmpty(place) ? undefined : keysAt(reading, place, restartPolicyKeys);
  for (const key of ['delay', 'window'] as const) {
    const at = keys?.get(key);
    if (!at) continue;
    stringAt(reading, at);
    reading.note(at, `The lab chooses \`${key}\` itself: it waits longer with each attempt.`, 'Remove it.');
  }
  const conditionAt = keys?.get('condition');
  const attemptsAt = keys?.get('max_attempts');
  const condition = conditionAt ? textAt(reading, conditionAt) : 'any';
  const maxRetries = attemptsAt && numberAt(reading, attemptsAt, 0, 999_999);
  switch (condition) {
    case 'none':
      return { restart: { condition: 'no' } };
    case 'any':
      return { restart: { condition: 'always' } };
    case 'on-failure':
      return { restart: { condition, ...(maxRetries ? { maxRetries } : {}) } };
    case undefined:
      return {};
    default:
      reading.report(
        conditionAt ?? place,
        `${written(conditionAt ?? place)} is not a condition.`,
        'Write none, on-failure or any.',
      );
      return {};
  }
}
