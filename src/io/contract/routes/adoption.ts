/** What runs on a node beside the lab, and could be handed over to it. */
import { special, type Route } from './route.ts';

const projects = '/api/v1/nodes/{node}/projects';

export const adoptionRoutes: readonly Route[] = [
  special(
    'list-projects',
    'get',
    projects,
    'adoption',
    'Compose projects and containers that run on the node beside the lab, as they are now',
  ),
  special(
    'plan-adoption',
    'get',
    `${projects}/{project}/plan`,
    'adoption',
    'What would become of one that is handed over: its file, its mounts, the steps; nothing is changed',
  ),
];
