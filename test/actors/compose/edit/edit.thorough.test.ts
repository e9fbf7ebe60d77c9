/** The same laws as in each run, for many more files. */
import { editLaws } from './laws.ts';

editLaws(500);
