// Without JavaScript, and with the keyboard only.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { account, api, closeBrowser, documents, fillNames, heading, look, tenant, visitor } from "./lib.js";

after(closeBrowser);

for (const mode of ["assume_role", "direct"]) {
  test(`without JavaScript, with a missing statement: ${mode}`, async (t) => {
    const acme = await tenant();
    const customer = await account(t, acme.slug);
    const page = await visitor(t, { javaScriptEnabled: false });
    await page.goto(acme.url);
    if (mode === "direct") await page.getByRole("link", { name: /Choose “Our role/ }).click();
    await fillNames(page, customer, mode);
    await page.getByLabel("Bucket name").fill(`s3://${customer.bucket}`);
    await page.getByRole("button", { name: "Fill in" }).last().click();
    await page.getByRole("button", { name: `Use ${customer.bucket}`, exact: true }).click();
    await page.getByText("All documents are complete").waitFor();
    for (const name of await documents(page)) {
      await customer.run("apply_text", { document: name, text: await page.locator(`#text-${name}`).textContent() });
    }
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download Bucket policy" }).click()]);
    assert.equal(file.suggestedFilename(), "bucket-policy.json");
    await customer.run("drop", { document: "bucket-policy", action: "s3:PutObject" });
    if (mode === "assume_role") await customer.run("drop", { document: "role-permissions", action: "s3:PutObject" });
    await page.getByRole("button", { name: "Continue" }).click();
    await heading(page, "Enter your bucket and key");

    await page.getByLabel("Bucket ARN").fill(`s3://${customer.bucket}`);
    await page.getByLabel("Region").fill("");
    await page.getByRole("button", { name: "Submit and verify" }).last().click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Key ARN").inputValue(), customer.key_arn, "the input is kept");
    await page.getByRole("button", { name: `Use ${customer.bucket_arn}` }).click();
    assert.equal(await page.getByLabel("Bucket ARN").inputValue(), customer.bucket_arn);
    await page.getByRole("button", { name: "Submit and verify" }).last().click();

    // The page reloads itself.
    await heading(page, "Something is missing");
    const check = (await page.locator("li.check.failed").getAttribute("id")).replace("check-", "");
    const document = mode === "assume_role" ? "role-permissions" : "bucket-policy";
    await customer.run("fix", { document, text: await page.locator(`#fix-${check}`).textContent() });
    await page.getByRole("button", { name: "Verify again" }).click();
    await heading(page, "Connected");
    assert.equal((await api("GET", `/v1/tenants/${acme.slug}`, undefined, 200)).status, "active");
  });
}

test("with the keyboard only", async (t) => {
  const acme = await tenant();
  const customer = await account(t, acme.slug);
  const page = await visitor(t);
  await page.goto(acme.url);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
  await page.keyboard.press("Enter");

  /** Presses Tab until the element has the focus, and checks that the focus is visible. */
  const reach = async (wanted) => {
    for (let presses = 0; presses < 80; presses++) {
      await page.keyboard.press("Tab");
      const there = await page.evaluate(() => {
        const at = document.activeElement;
        const style = getComputedStyle(at);
        return { name: at.id || at.textContent.trim(), shows: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
      });
      if (there.name === wanted) {
        assert.ok(there.shows, `the focus on ${wanted} is visible`);
        return;
      }
    }
    assert.fail(`${wanted} cannot be reached with the keyboard`);
  };
  const type = async (field, text) => {
    await reach(field);
    await page.keyboard.press("Control+A");
    await page.keyboard.type(text);
  };
  await type("key_arn", customer.key_arn);
  await type("bucket", customer.bucket);
  await type("role_name", customer.role_name);
  await type("account_id", customer.id);
  await page.getByText("All documents are complete").waitFor();
  for (const name of await documents(page)) {
    await customer.run("apply_text", { document: name, text: await page.locator(`#text-${name}`).textContent() });
  }
  await reach("Copy Trust policy of your role");
  await page.keyboard.press("Enter");
  await page.locator("#announce", { hasText: "Copied." }).waitFor({ state: "attached" });
  await reach("Continue");
  await look(page, "apply-focus");
  await page.keyboard.press("Enter");
  await heading(page, "Enter your bucket and key");
  await type("key_arn", "nonsense");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "key_arn");
  await page.keyboard.press("Control+A");
  await page.keyboard.type(customer.key_arn);
  await reach("Submit and verify");
  await page.keyboard.press("Enter");
  await heading(page, "Connected");
  await reach("Verify again");
});
