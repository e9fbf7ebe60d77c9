/** What is done at times. */
import { command, list, show, type Route } from './route.ts';

const schedule = '/api/v1/schedules/{namespace}/{name}';

export const schedulesRoutes: readonly Route[] = [
  list('schedules', '/api/v1/schedules', 'schedules', 'List the schedules', ['namespace', 'state', 'volume', 'app']),
  command('create-schedule', 'post', '/api/v1/schedules', 'schedules', 'Create a schedule', false),
  show('schedules', schedule, 'schedules', 'Show a schedule'),
  command(
    'change-schedule',
    'patch',
    schedule,
    'schedules',
    'Change when it runs, and of backups where they go and how long they stay; what is left out stays',
    false,
  ),
  command('suspend-schedule', 'post', `${schedule}/suspend`, 'schedules', 'Suspend a schedule', false),
  command('resume-schedule', 'post', `${schedule}/resume`, 'schedules', 'Resume a schedule', false),
  command('remove-schedule', 'delete', schedule, 'schedules', 'Remove a schedule', false),
];
