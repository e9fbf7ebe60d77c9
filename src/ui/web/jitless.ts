/**
 * Imported before everything else. zod compiles schemas with `new Function` where it may; under the app's
 * content-security policy it may not, and the attempt alone would be reported as a violation.
 */
import { config } from 'zod';

config({ jitless: true });
