/** The first page of a new lab: what it is, where its files are, how to make it one's own. Needs nothing from outside. */

export const welcomeIcon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48">
<rect width="48" height="48" rx="11" fill="#1f7a72"/>
<path d="M13 22h22l-3 8H16z" fill="#fff"/>
<path d="M23 9v11M23 10l8 8h-8z" fill="#fff" stroke="#fff" stroke-width="2" stroke-linejoin="round"/>
<path d="M9 36q4-4 7.5 0t7.5 0 7.500 0 7.500 0" fill="none" stroke="#bfe7e2" stroke-width="3" stroke-linecap="round"/>
</svg>
`;

export const welcomePage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Welcome to FloatLab</title>
<link rel="icon" href="icon.svg">
<style>
:root { color-scheme: light dark; --ink: #17211f; --soft: #5b6a67; --paper: #fbfcfb; --line: #dde5e2; --accent: #1f7a72; --code: #eef3f1 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edeb; --soft: #94a5a1; --paper: #101615; --line: #26312f; --accent: #6cc7bc; --code: #19211f }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.6 system-ui, sans-serif }
main { max-width: 41rem; margin: 0 auto; padding: 12vh 1.5rem 4rem }
img { width: 56px; height: 56px; display: block }
h1 { font-size: 2rem; line-height: 1.2; letter-spacing: -.02em; margin: 1.5rem 0 .5rem }
.lead { font-size: 1.125rem; color: var(--soft); margin: 0 0 2.5rem }
dl { margin: 0; border-top: 1px solid var(--line) }
dl > div { display: grid; grid-template-columns: 9rem 1fr; gap: .25rem 1.5rem; padding: 1rem 0; border-bottom: 1px solid var(--line) }
dt { color: var(--accent); font-weight: 600 }
dd { margin: 0 }
code { font: .875em/1.5 ui-monospace, monospace; background: var(--code); border-radius: 6px; padding: .125rem .375rem; white-space: nowrap }
pre { margin: .5rem 0 0; background: var(--code); border-radius: 6px; padding: .75rem 1rem; overflow-x: auto }
pre code { padding: 0; background: none }
footer { margin-top: 2rem; color: var(--soft); font-size: .875rem }
@media (max-width: 34rem) { main { padding-top: 3rem } dl > div { grid-template-columns: 1fr } }
</style>
</head>
<body>
<main>
<img src="icon.svg" alt="">
<h1>Your lab is afloat.</h1>
<p class="lead">Welcome to FloatLab. This page is your first app: it is run, watched and kept safe.</p>
<dl>
<div><dt>Its files</dt><dd>You read <code>/srv/index.html</code> of the service <code>web</code>. The folder <code>/srv</code> is the volume <code>welcome-site</code>: it outlives every container.</dd></div>
<div><dt>Change it</dt><dd>Open a shell in the service and edit the page:
<pre><code>floatlab exec -it welcome web -- sh
vi /srv/index.html</code></pre></dd></div>
<div><dt>Undo it</dt><dd>Every 15 minutes FloatLab takes a snapshot of the volume. All are kept for two hours, then one per hour for a day and one per day for two weeks.</dd></div>
<div><dt>Your own app</dt><dd>Describe it in a compose file, as you do already:
<pre><code>floatlab up -f compose.yaml</code></pre></dd></div>
</dl>
<footer>Served by busybox from a two-megabyte image that was made on this machine.</footer>
</main>
</body>
</html>
`;
