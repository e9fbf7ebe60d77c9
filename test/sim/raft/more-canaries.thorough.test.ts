import { areFound, isOfEveryDay } from './found.ts';

areFound((canary, at) => !isOfEveryDay(canary, at));
