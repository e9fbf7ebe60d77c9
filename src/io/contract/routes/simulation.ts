/** A simulated lab (`floatlabd --simulate`) has these besides; there are no such paths in a real one. */
import * as z from 'zod';
import { special, type Route } from './route.ts';

export const powerBody = z.strictObject({ power: z.enum(['on', 'off']) });
export type Power = z.infer<typeof powerBody>['power'];

/** `spoiled`: everything that is on it is wrong from now on, and a scrub finds that. */
export const diskBody = z.strictObject({ disk: z.enum(['in', 'out', 'spoiled']) });
export type DiskHand = z.infer<typeof diskBody>['disk'];

export const simulationRoutes: readonly Route[] = [
  special(
    'simulated-machines',
    'get',
    '/api/v1/simulation/machines',
    'simulation',
    'The machines of a simulated lab (`floatlabd --simulate`); there is no such path in a real one',
  ),
  special(
    'set-power',
    'put',
    '/api/v1/simulation/machines/{name}/power',
    'simulation',
    'Take the power of a simulated machine away, or give it back; there is no such path in a real lab',
    { body: powerBody },
  ),
  special(
    'set-disk',
    'put',
    '/api/v1/simulation/machines/{name}/disks/{disk}',
    'simulation',
    'Pull a disk out of a simulated machine, or put it back; there is no such path in a real lab',
    { body: diskBody },
  ),
];

/** A machine of a simulated lab. */
export interface SimulatedMachine {
  readonly name: string;
  readonly power: Power;
  /** By their names, `sda`: whether each is in it. */
  readonly disks?: Readonly<Record<string, 'in' | 'out'>>;
}
