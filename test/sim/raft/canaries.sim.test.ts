import { areFound, isOfEveryDay } from './found.ts';

areFound(isOfEveryDay);
