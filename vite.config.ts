/**
 * Builds the web app into `dist/web`: static files with hashed names, which the daemon serves under a content-security
 * policy that allows scripts and styles from itself only. The manifest is what `scripts/bundle-size.mjs` measures.
 */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: 'src/ui/web',
  base: '/',
  plugins: [react()],
  build: {
    outDir: '../../../dist/web',
    emptyOutDir: true,
    manifest: true,
    target: 'es2023',
    // Small images as data URLs would need another exception in the policy.
    assetsInlineLimit: 0,
    // The polyfill is an inline script.
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // `jitless.ts` must have run before the first schema is made, whatever chunk that is in.
            { name: 'zod', test: /node_modules\/zod\/|src\/ui\/web\/jitless\.ts/, priority: 2 },
            // What most screens share comes as one file instead of thirty.
            { name: 'shared', test: /src\/ui\/web\/(?:components|format|live|theme)\//, minShareCount: 4, priority: 1 },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': { target: 'http://127.0.0.1:7400', ws: true } } },
});
