// Helpers of the browser tests: tenants and invites through the API, customers' accounts, pages, and checks of a page.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";
import { chromium } from "playwright-core";

const env = (name) => {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: run these tests with ./dev/test browser`);
  return value;
};

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const here = import.meta.dirname;
const screenshots = env("LATCHKEY_SCREENSHOTS");
mkdirSync(screenshots, { recursive: true });

export const publicUrl = env("LATCHKEY_PUBLIC_URL");
export const privateUrl = env("LATCHKEY_URL");
export const TIMEOUT = 30_000;

export async function api(method, path, body, status, { text: plain = false } = {}) {
  const response = await fetch(env("LATCHKEY_URL") + path, {
    method,
    headers: { authorization: `Bearer ${env("LATCHKEY_TOKEN")}`, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  assert.equal(response.status, status, text);
  if (plain) return text;
  return text ? JSON.parse(text) : null;
}

/** A new tenant, with a link to the form. */
export async function tenant(name = "Acme Corporation", slug = `t-${randomInt(2 ** 40).toString(36)}`) {
  const created = await api("POST", "/v1/tenants", { slug, name }, 201);
  return { slug, name, externalId: created.external_id, ...(await invite(slug)) };
}

export async function invite(slug) {
  const { id, url } = await api("POST", `/v1/tenants/${slug}/invites`, {}, 201);
  return { inviteId: id, url };
}

/** A customer's account in the stand-in, with a bucket and a key, until the test ends. */
export async function account(t, slug) {
  const id = String(randomInt(100_000_000_000, 280_000_000_000));
  const child = spawn(env("LATCHKEY_TEST_PYTHON"), [path.join(here, "customer_account.py"), id, slug], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  t.after(() => child.stdin.end());
  const run = async (command, more = {}) => {
    child.stdin.write(`${JSON.stringify({ command, ...more })}\n`);
    const { value } = await lines.next();
    const { error, result } = JSON.parse(value);
    assert.equal(error, undefined, error);
    return result;
  };
  return { id, run, ...(await run("create")) };
}

let shared;
export async function browser() {
  shared ??= await chromium.launch({ executablePath: env("LATCHKEY_CHROMIUM"), args: ["--no-sandbox"] });
  return shared;
}
export const closeBrowser = async () => shared?.close();

/** A page of a new visitor. Script errors and requests to other hosts fail the test at its end. */
export async function visitor(t, options = {}) {
  const context = await (await browser()).newContext({ viewport: { width: 1200, height: 900 }, ...options });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  context.setDefaultTimeout(TIMEOUT);
  const problems = [];
  const page = await context.newPage();
  watch(page, problems);
  t.after(async () => {
    await context.close();
    assert.deepEqual(problems, []);
  });
  return page;
}

export function watch(page, problems) {
  page.on("console", (message) => {
    // A page that reports an error has an error status too.
    if (message.type() === "error" && !message.text().includes("the server responded with a status of 4")) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    if (![publicUrl, privateUrl].some((url) => request.url().startsWith(`${url}/`))) problems.push(`a request to ${request.url()}`);
  });
}

/** Checks the page with axe in light and dark mode, and takes a screenshot of each. */
export async function look(page, name, { phone = false } = {}) {
  const wide = page.viewportSize();
  if (phone) await page.setViewportSize({ width: 375, height: 740 });
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.screenshot({ path: path.join(screenshots, `${name}-${phone ? "phone-" : ""}${colorScheme}.png`), fullPage: true });
    await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    const violations = found.violations.map((one) => `${one.id}: ${one.help}\n  ${one.nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n  ")}`);
    assert.deepEqual(violations, [], `${name} in ${colorScheme}`);
    const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(width <= 0, `${name} is ${width} pixels too wide`);
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: null });
  if (phone) await page.setViewportSize(wide);
}

/** The text that a copy button puts on the clipboard. */
export async function copied(page, id) {
  await page.evaluate(() => navigator.clipboard.writeText(""));
  await page.locator(`button[data-copy="${id}"]`).click();
  await page.locator("#announce", { hasText: "Copied." }).waitFor({ state: "attached" });
  return page.evaluate(() => navigator.clipboard.readText());
}

/** A new token with this role. */
export async function token(role, name = `${role} in a browser`) {
  return (await api("POST", "/v1/tokens", { name, role, expires_in_hours: 1 }, 201)).token;
}

/** A page of the dashboard, signed in with a token with this role. */
export async function operator(t, role = "ops", options = {}, name = undefined) {
  const page = await visitor(t, options);
  await page.goto(`${privateUrl}/sign-in`);
  await page.getByLabel("Token").fill(await token(role, name));
  await page.getByRole("button", { name: "Sign in" }).click();
  await heading(page, "Overview");
  return page;
}

/** What a customer submits. */
export const submission = (customer, mode = "assume_role") => ({
  mode,
  bucket_arn: customer.bucket_arn,
  bucket_region: customer.key_arn.split(":")[3],
  key_arn: customer.key_arn,
  ...(mode === "assume_role" ? { role_arn: customer.role_arn } : {}),
});

/** Applies the documents that are issued for a tenant. */
export async function applyIssued(slug, customer, mode = "assume_role") {
  const query = new URLSearchParams({ mode, bucket: customer.bucket, key_arn: customer.key_arn });
  if (mode === "assume_role") {
    query.set("role_name", customer.role_name);
    query.set("account_id", customer.id);
  }
  const issued = await api("GET", `/v1/tenants/${slug}/templates?${query}`, undefined, 200);
  for (const { document, body } of issued.documents) await customer.run("apply_text", { document, text: JSON.stringify(body) });
}

/** Submits, and waits for the verdict. */
export async function verdict(slug, body) {
  const sent = await api("POST", `/v1/tenants/${slug}/storage-configs`, body, 202);
  await api("GET", `/v1/verifications/${sent.verification.id}/events`, undefined, 200, { text: true });
  return (await api("GET", `/v1/verifications/${sent.verification.id}`, undefined, 200)).verdict;
}

/** The names of the documents on the page, in order. */
export async function documents(page) {
  const ids = await page.locator("li.document").evaluateAll((items) => items.map((item) => item.id));
  return ids.map((id) => id.replace("document-", ""));
}

/** Fills in the fields of the first page. */
export async function fillNames(page, customer, mode) {
  await page.getByLabel("Bucket name").fill(customer.bucket);
  await page.getByLabel("Key ARN").fill(customer.key_arn);
  if (mode === "assume_role") {
    await page.getByLabel("Role name").fill(customer.role_name);
    await page.getByLabel("AWS account ID", { exact: true }).fill(customer.id);
  }
}

export const heading = (page, text) => page.getByRole("heading", { level: 1, name: text }).waitFor();
