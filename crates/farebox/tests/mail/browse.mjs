// Opens a link in a browser, fills what the page asks for, acts, and says what came of it in one line of JSON.
import { chromium } from "playwright-core";

const { LINK, FILL, BROWSER } = process.env;
const browser = await chromium.launch({ executablePath: BROWSER, args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage();
const asked = [];
const complaints = [];
page.on("request", (request) => asked.push({ url: request.url(), referer: request.headers().referer || "" }));
page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
await page.goto(LINK);
for (const [name, value] of Object.entries(JSON.parse(FILL || "{}"))) {
  await page.fill(`form:not([hidden]) input[name="${name}"]`, value);
}
await page.click("form:not([hidden]) button");
await page.waitForFunction(() => document.getElementById("outcome").textContent !== "", null, { timeout: 30000 });
const outcome = await page.textContent("#outcome");
process.stdout.write(JSON.stringify({ outcome, address: page.url(), asked, complaints }) + "\n");
await browser.close();
