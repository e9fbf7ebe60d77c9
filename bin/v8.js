/**
 * What V8 must not do in our processes, how much memory it may leave lying about, and when it compiles: to be imported
 * before anything else.
 *
 * The V8 of Node 20 reserves memory for several objects of a function at once, and may make the array of a later `[]`
 * between two of them, a call that it believes to take no memory. At the end of a page the place of one page and the
 * end of another are kept then, and the process writes where nothing is, or over something else (SIGSEGV, after minutes
 * of load). Without that folding each object asks for its place by itself: decision 16 says what that costs.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--no-turbo-allocation-folding');

// The nursery of the main thread was bounded when the process began (`npm start`, floatlabd.js). Left standing, that bound
// would go before what each other thread is given (`resourceLimits`).
setFlagsFromString('--max-semi-space-size=0');

// A lab that does little never runs its code often enough for V8 to compile it well: what is called some hundred times
// a second stays for minutes in the tier that is four times as slow. So it is compiled after a third of the turns, and
// large functions after as many as small ones (`npm run bench:log`: a lone append takes three quarters of the time).
setFlagsFromString('--interrupt-budget=20000');
setFlagsFromString('--ticks-before-optimization=1');
setFlagsFromString('--bytecode-size-allowance-per-tick=1500');
