import { editLaws } from './laws.ts';

editLaws(25);
