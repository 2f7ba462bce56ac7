// A user in a browser: goes to an address, signs in, consents, says yes where he is asked, and says where he ended.
// With START_PATH it is the gateway's own page that begins the flow, by a request with the user's key.
import puppeteer from 'puppeteer-core';

const { CHROMIUM, BASE, KEY, START_PATH, START_URL, END, LOGIN } = process.env;
const browser = await puppeteer.launch({
  executablePath: CHROMIUM,
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
});
try {
  const page = await browser.newPage();
  const seen = [];
  let target = START_URL;
  if (START_PATH) {
    await page.goto(`${BASE}/docs`);
    const started = await page.evaluate(async (path, key) => {
      const response = await fetch(path, { method: 'POST', headers: { authorization: `Bearer ${key}` } });
      return response.json();
    }, START_PATH, KEY);
    target = started.authorization_url;
  }
  let callback = '';
  page.on('request', (request) => { if (request.url().includes('/callback?')) callback = request.url(); });
  await page.goto(target);
  let asked = '';
  for (let step = 0; step < 10 && !page.url().startsWith(END); step += 1) {
    seen.push(page.url().split('?')[0]);
    const next = page.waitForNavigation({ waitUntil: 'load' });
    if (await page.$('input[name=login]')) {
      await page.type('input[name=login]', LOGIN ?? 'ada');
      await page.type('input[name=password]', 'x');
      await page.click('button[type=submit]');
    } else if (await page.$('button[name=answer][value=yes]')) {
      asked = await page.$eval('main', (main) => main.innerText);
      await page.click('button[name=answer][value=yes]');
    } else {
      await page.click('button[type=submit]');
    }
    await next;
  }
  const again = await page.evaluate(async (url) => (await fetch(url, { redirect: 'manual' })).status, callback).catch(() => 0);
  const text = await page.evaluate(() => document.body.innerText);
  console.log(JSON.stringify({ url: page.url(), asked, text, callback, again, seen }));
} finally {
  await browser.close();
}
