import { isOfEveryDay } from '../raft/found.ts';
import { areFound } from './found.ts';

areFound(isOfEveryDay);
