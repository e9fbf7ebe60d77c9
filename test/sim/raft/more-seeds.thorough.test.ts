/** The second half of the seeds of which `npm test` tries the first. */
import { keeps, modelledKeeps, modelledTitle, storedKeeps, storedTitle } from './many.ts';
import { seedsTried } from './seeds.ts';

const { modelled, stored } = seedsTried;
keeps(modelledTitle, { from: modelled / 2 + 1, to: modelled, perTest: 100 }, modelledKeeps);
keeps(storedTitle, { from: stored / 2 + 1, to: stored, perTest: 20 }, storedKeeps);
