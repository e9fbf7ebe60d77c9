import { busyLab } from './seed.ts'; import { FakeBackend } from './fake-backend.ts'; import { launch, visit, go } from './browser.ts';
const lab=busyLab(); const b=await FakeBackend.start(lab); const browser=await launch();
const {page,complaints}=await visit(browser,{cookie:b.signedIn()});
await go(page,b.url+'/apps/default/photos/logs'); await page.waitForTimeout(800);
const app=lab.app('photos').stream;
for (let n=1;n<=10000;n+=500) lab.log(app,...Array.from({length:500},(_, m)=>({service:'web',at:Date.now(),stream:'stdout' as const,text:`line ${n+m}`})));
for (let i=0;i<6;i++){ await page.waitForTimeout(1000); console.log(await page.evaluate(()=>{const l=document.querySelector('[role=log]')!; const t=[...l.querySelectorAll('[data-index]')].map(e=>e.textContent); return [l.scrollTop,l.scrollHeight,l.clientHeight,t.length,t[0],t.at(-1), document.body.innerText.match(/[\d,]+ lines/)?.[0]]}));}
await page.screenshot({path:'/tmp/floatlab-shots/logs10k.png'}); console.log(complaints);
await browser.close(); await b.stop();
