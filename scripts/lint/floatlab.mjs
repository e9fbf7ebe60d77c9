/** FloatLab's own lint rules, as a plugin of oxlint: what its stock rules cannot say exactly. */
import { clock } from './clock.mjs';
import { rooms } from './rooms.mjs';

export default { meta: { name: 'floatlab' }, rules: { clock, rooms } };
