// The API in Swagger UI, whose scripts and styles are not ours: its Content-Security-Policy must allow what it does.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { closeBrowser, privateUrl, token, visitor } from "./lib.js";

after(closeBrowser);

test("the API can be read and tried under the Content-Security-Policy", async (t) => {
  const page = await visitor(t);
  const problems = [];
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  await page.exposeFunction("reportViolation", (violation) => problems.push(violation));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      globalThis.reportViolation(`${event.effectiveDirective} blocks ${event.blockedURI || "inline"}`);
    });
  });

  const opened = await page.goto(`${privateUrl}/docs`);
  assert.match(opened.headers()["content-security-policy"], /default-src 'none'.* script-src 'self';/);
  const operation = page.locator("#operations-tenants-listTenants");
  await operation.getByText("/v1/tenants", { exact: true }).waitFor();

  await page.getByRole("button", { name: "Authorize" }).first().click();
  const dialog = page.locator(".dialog-ux");
  await dialog.getByRole("textbox").fill(await token("viewer"));
  await dialog.getByRole("button", { name: "Apply credentials" }).click();
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await operation.getByText("/v1/tenants", { exact: true }).click();
  await operation.getByRole("button", { name: "Try it out" }).click();
  await operation.getByRole("button", { name: "Execute" }).click();
  await operation.locator(".live-responses-table .response-col_status", { hasText: "200" }).waitFor();
  assert.deepEqual(problems, []);
});
