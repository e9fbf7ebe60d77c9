/** The seeds that `npm test` leaves out. */
import { keeps, modelledKeeps, modelledTitle, storedKeeps, storedTitle } from './many.ts';
import { seedsOfEveryDay, seedsTried } from './seeds.ts';

const { modelled, stored } = seedsTried;
keeps(modelledTitle, { from: seedsOfEveryDay.modelled + 1, to: modelled, perTest: 100 }, modelledKeeps);
keeps(storedTitle, { from: seedsOfEveryDay.stored + 1, to: stored, perTest: 20 }, storedKeeps);
