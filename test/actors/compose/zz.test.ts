import { test } from 'vitest';
import { readCompose } from '#actors/compose/read.ts';
import { input } from './fixtures.ts';
test('times', () => {
const M=2**20; const fill=(s:string)=>s.repeat(Math.floor(M/s.length));
const services=(n:number,f:(i:number)=>string)=>'services:\n'+Array.from({length:n},(_, i)=>`  s${i}:\n    image: nginx:1\n${f(i)}`).join('');
const cases: Record<string,string>={
 shortlist: fill('- a\n'), keys: Array.from({length:130000},(_,i)=>`k${i}:\n`).join('').slice(0,M), deepflow: fill('['), deepflowmap: fill('{a: '), deepseq: fill('- '),
 deepindent: Array.from({length:1400},(_,i)=>' '.repeat(i)+'a:\n').join(''), aliases: 'a: &a 1\nb: ['+fill('*a,').slice(0,M-100)+']', anchors: Array.from({length:40000},(_,i)=>`- &a${i} 1\n- *a${i}\n`).join(''),
 comments: fill('#\n'), comments2: '#'+fill('a').slice(2), colons: fill(':'), quotes: fill('"'), quotes2: fill('""\n'), tabs: fill('\t'), tabs2: fill('a:\t\n'), tabs3: fill('\ta: b\n'), docs: fill('---\n'), nl: fill('\n'), nlk: ('a: '+fill('\n')).slice(0,M-1)+'b', longplain: ('a: '+fill('word ')).slice(0,M), multiplain:('a:\n'+fill(' word\n')).slice(0,M), block:('a: |\n'+fill(' x\n')).slice(0,M), dq:('a: "'+fill('x\n')).slice(0,M-1)+'"', excl: fill('! '), amp: fill('&a '), star: fill('*a '), pct: fill('%a\n'), q: fill('? '), dash: fill('-'), pipe: fill('|\n'), commas:('['+fill(',')).slice(0,M), merge: 'a: &a {x: 1}\nb:\n'+fill('  <<: *a\n').slice(0,M-100), brackets2: fill(']'), random: fill('a: b: c\n'), flowcolon:('{'+fill('a,')).slice(0,M-1)+'}', cr: fill('\r'), nullb: fill('\0'), bom2: fill('\uFEFF\n'),
 lex199k_commas: '['+','.repeat(199_000), lex_brackets: ']'.repeat(199_000), lex_quotes: '"'.repeat(199_000), lex_quotes2:'""\n'.repeat(66_000), lex_excl:'! '.repeat(99_000), lex_seq:'- a\n'.repeat(39_000), lex_dashes:'-\n'.repeat(99_000), lex_nl: 'a:'+'\n'.repeat(190_000), lex_dq: 'a: "'+'x\n'.repeat(99_000)+'"',
 unknownkeys: services(200,i=>Array.from({length:80},(_,j)=>`    kez${j}imae: 1\n`).join('')),
 unknowntop: Array.from({length:24000},(_,i)=>`servicez${i}: 1\n`).join(''),
 badports: services(200,i=>`    ports: [${Array.from({length:100},(_,j)=>'80,').join('')}]\n`),
 ports: services(200,i=>`    ports: ["${1+i*300}-${300+i*300}:1-300"]\n`),
 portsclash: services(200,i=>`    ports: ["1-1000:1-1000"]\n`),
 depend: services(200,i=>`    depends_on: [${Array.from({length:199},(_,j)=>`s${(i+j+1)%200}`).join(',')}]\n`),
 interp: services(200,i=>`    environment: {${Array.from({length:80},(_,j)=>`A${j}: "\${A}"`).join(',')}}\n`),
 interpnest: `services: {web: {image: "${'${a:-'.repeat(150000)}"}}`,
 interpdollar: `services: {web: {image: "${'$a'.repeat(500000)}"}}`,
 interpword: `services: {web: {image: "${'${a:-b}'.repeat(140000)}"}}`,
 many: services(15000,()=>''),
 mergebomb: 'x: &x {'+Array.from({length:2000},(_,i)=>`k${i}: 1`).join(',')+'}\n'+Array.from({length:5000},(_,i)=>`m${i}: {<<: *x}\n`).join(''),
 envf: services(200,()=>'    env_file: [a.env, b.env]\n'),
 cmd: `services: {web: {image: a, command: "${'a '.repeat(500000)}"}}`,
 img: `services: {web: {image: "${'a-'.repeat(500000)}"}}`, img2: `services: {web: {image: "${'a_'.repeat(250)}"}}`,
 slug: `x-floatlab: {name: "${'ä-'.repeat(400000)}"}`, dur: `services: {web: {image: a, healthcheck: {test: a, interval: "${'1s'.repeat(400000)}!"}}}`, size: `x-floatlab: {size: "${'1'.repeat(900000)}"}`, size2: `x-floatlab: {size: "${' '.repeat(100000)}x"}`, keep: `x-floatlab: {keep: "${'1h:1h '.repeat(100000)}"}`, cron: `x-floatlab: {snapshot: {schedule: "${'* '.repeat(100000)}"}}`, url: `x-floatlab: {url: "https://${'a.'.repeat(400000)}"}`,
 port: `services: {web: {image: a, ports: ["${'1'.repeat(900000)}"]}}`, port2: `services: {web: {image: a, ports: ["${'1.'.repeat(450000)}:80:80"]}}`, port3: `services: {web: {image: a, ports: ["[${':'.repeat(900000)}]:80:80"]}}`, tgt: `services: {web: {image: a, volumes: ["./a:${'/'.repeat(900000)}"]}}`, src: `services: {web: {image: a, volumes: ["./${'a/'.repeat(450000)}:/x"]}}`, name: `name: ${'-'.repeat(900000)}`,
 aliased: 'x: &x ['+Array.from({length:400},()=>'"80"').join(',')+']\n'+services(200,()=>'    ports: *x\n'),
};
const files={'.env':'A='+'x'.repeat(130000)+'\n', 'a.env': Array.from({length:999},(_,i)=>`A${i}=${'x'.repeat(20)}`).join('\n'), 'b.env':'\n'.repeat(900000)};
const slow:string[]=[];
for (const [n,text] of Object.entries(cases)) { const i=input(text,files); const t=performance.now(); const r=readCompose(i); const ms=Math.round(performance.now()-t);
 const f='findings' in r? r.findings.length+' '+JSON.stringify(r.findings[0]?.message.slice(0,90)):'OK'; if (ms>150||process.env.ALL) slow.push(`${n} ${text.length} ${ms}ms ${f}`); else slow.push(`${n}: ${ms} ${f}`)}
console.log(slow.join('\n'));
for (const [n,e] of [['nl','\n'.repeat(1e6)],['sp',' '.repeat(1e6)],['q','A="'.repeat(3e5)],['qnl','A="\n'.repeat(2e5)],['aa','a'.repeat(1e6)],['export','export '.repeat(1e5)],['dollar','A=$'.repeat(3e5)],['bomb',Array.from({length:60},(_,i)=>`A${i}=${i?`$A${i-1}$A${i-1}`:'xxxxxxxx'}`).join('\n')],['hash','#'.repeat(1e6)], ['kv','a=b\n'.repeat(25e4)], ['tab','\t#\n'.repeat(3e5)]] as const) { const i=input('services: {a: {image: a}}',{'.env':e}); const t=performance.now(); const r=readCompose(i); console.log('env',n,Math.round(performance.now()-t), 'findings' in r? r.findings.length:'ok'); }
const lines=(n:number)=>services(Math.ceil(n/25),i=>`    restart: always\n    environment:\n      TZ: Europe/Berlin\n      A: b\n      C: "d e"\n    ports:\n      - "${1000+i}:80"\n      - 127.0.0.1:${2000+i}:81\n    volumes:\n      - data:/data\n      - ./config:/config:ro\n    healthcheck:\n      test: ["CMD", "true"]\n      interval: 10s\n    labels:\n      a: b\n      c: d\n    depends_on:\n      ${i? `s${i-1}`:'s1x'}: {condition: service_started}\n    command: run it\n    env_file: a.env\n`.replace('s1x: {condition: service_started}','{}'))+'volumes:\n  data:\n';
for (const n of [500,5000]) { const i=input(lines(n),{'a.env':'A=1\n'}); for (let k=0;k<5;k++) readCompose(i); const ts=[]; for (let k=0;k<9;k++){const t=performance.now(); readCompose(i); ts.push(performance.now()-t);} const r=readCompose(i); console.log(n, i.text.split('\n').length,'lines', i.text.length,'bytes median', ts.sort((a,b)=>a-b)[4]!.toFixed(1),'ms','findings' in r? JSON.stringify(r.findings[0]): 'ok'); }
}, 200000);
