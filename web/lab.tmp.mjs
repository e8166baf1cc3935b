import { chromium } from "@playwright/test";
const B="http://127.0.0.1:18960"; const browser=await chromium.launch({executablePath:"/usr/bin/chromium",args:["--no-sandbox","--disable-gpu"]});
const page=await (await browser.newContext({viewport:{width:1280,height:800}})).newPage();
page.on("console",m=>["error","warning"].includes(m.type())&&console.log("CONSOLE",m.text())); page.on("pageerror",e=>console.log("ERR",e));
const shot=n=>page.screenshot({path:`/tmp/w6t/lab-${n}.png`,fullPage:true});
await page.goto(B+"/lab"); const c1=page.getByRole("article",{name:"WebClient1"}),c2=page.getByRole("article",{name:"WebClient2"});
for(const c of [c1,c2]){await c.getByRole("button",{name:"Connect",exact:true}).click(); await c.getByRole("button",{name:"Subscribe",exact:true}).click(); await c.getByRole("button",{name:/Unsubscribe from/}).waitFor()}
await c1.getByRole("button",{name:"Publish"}).click(); await page.waitForTimeout(500); await shot("clients");
await page.goto(B+"/lab#/isolation"); await page.getByRole("button",{name:"Run the scene"}).click(); await page.getByRole("region",{name:"Who heard it"}).waitFor().catch(e=>console.log("no verdict")); await shot("isolation");
await page.goto(B+"/lab#/token"); await page.getByRole("button",{name:/Test token/}).click(); await page.getByRole("button",{name:"Try it"}).click(); await page.waitForTimeout(1000); await shot("token");
await page.getByRole("button",{name:"Spoil the"}).click(); await page.getByRole("button",{name:"Try it"}).click(); await page.waitForTimeout(1000); await shot("token2");
await page.goto(B+"/lab#/broadcast"); await page.getByRole("button",{name:/Connect two/}).click(); await page.getByRole("button",{name:"Broadcast",exact:true}).click(); await page.waitForTimeout(700); await shot("broadcast");
await page.goto(B+"/lab#/limits"); for(const b of await page.getByRole("button",{name:/^Do it/}).all()) {await b.click(); await page.waitForTimeout(300)} await page.waitForTimeout(5000); await shot("limits");
await page.setViewportSize({width:390,height:844}); await page.emulateMedia({colorScheme:"dark"}); await page.goto(B+"/lab#/clients"); await page.waitForTimeout(300); await shot("clients-pd"); await page.goto(B+"/lab#/token"); await page.waitForTimeout(300); await shot("token-pd");
await page.goto(B+"/lab#/isolation"); await page.waitForTimeout(300); await shot("isolation-pd");
await browser.close();
