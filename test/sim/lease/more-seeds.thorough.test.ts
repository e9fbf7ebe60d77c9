/** The seeds that `npm test` leaves out. */
import { leasesAreKept } from './many.ts';
import { leaseSeedsOfEveryDay, leaseSeedsTried } from './seeds.ts';

leasesAreKept(leaseSeedsOfEveryDay + 1, leaseSeedsTried);
