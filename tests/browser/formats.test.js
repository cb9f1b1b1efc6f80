// The other formats of the documents, and merging them into an existing policy.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { account, api, closeBrowser, copied, fillNames, heading, look, tenant, visitor } from "./lib.js";

after(closeBrowser);

const FORMATS = { CloudFormation: "cloudformation", Terraform: "terraform", "AWS CLI": "cli" };

test("each format has a tab and contains the names from the form", async (t) => {
  const acme = await tenant();
  const customer = await account(t, acme.slug);
  const page = await visitor(t);
  await page.goto(acme.url);
  await fillNames(page, customer, "assume_role");
  await page.getByText("All documents are complete").waitFor();
  for (const [tab, format] of Object.entries(FORMATS)) {
    await page.getByRole("navigation", { name: "How to apply them" }).getByRole("link", { name: tab }).click();
    await page.getByRole("heading", { name: "Apply this file" }).waitFor();
    const query = new URLSearchParams({
      mode: "assume_role", format, bucket: customer.bucket, key_arn: customer.key_arn, role_name: customer.role_name, account_id: customer.id,
    });
    const issued = await api("GET", `/v1/tenants/${acme.slug}/templates?${query}`, undefined, 200, { text: true });
    assert.equal(await copied(page, "text-file"), issued);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: /Download/ }).click()]);
    assert.match(download.suggestedFilename(), /^latchkey\.(yaml|tf|sh)$/);
    await look(page, `format-${format}`);
    await look(page, `format-${format}`, { phone: true });
  }
  // Names that are typed on a tab appear in its file and on the next page.
  await page.getByLabel("Bucket name").fill("another-bucket");
  await page.locator("#text-file", { hasText: "another-bucket" }).waitFor();
  await page.getByRole("button", { name: "Continue" }).click();
  assert.equal(await page.getByLabel("Bucket ARN").inputValue(), "arn:aws:s3:::another-bucket");
});

const FOREIGN = { Sid: "Logs", Effect: "Allow", Principal: { Service: "logging.s3.amazonaws.com" }, Action: "s3:PutObject", Resource: "arn:aws:s3:::x/*" };
const DENY = { Sid: "OnlyFromHere", Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "*", Condition: { NotIpAddress: { "aws:SourceIp": "192.0.2.0/24" } } };

for (const javaScriptEnabled of [true, false]) {
  test(`an existing policy is merged, ${javaScriptEnabled ? "with" : "without"} JavaScript`, async (t) => {
    const acme = await tenant();
    const customer = await account(t, acme.slug);
    const page = await visitor(t, { javaScriptEnabled });
    await page.goto(acme.url);
    await fillNames(page, customer, "assume_role");
    if (javaScriptEnabled) await page.getByText("All documents are complete").waitFor();
    else await page.getByRole("button", { name: "Fill in" }).last().click();

    await page.locator("#merge summary").click();
    await page.getByRole("textbox", { name: "Your current policy" }).fill("my policy");
    await page.getByRole("button", { name: "Merge" }).click();
    await heading(page, "Merge with an existing policy");
    await page.getByText("This is not JSON", { exact: false }).waitFor();
    assert.equal(await page.getByRole("textbox", { name: "Your current policy" }).inputValue(), "my policy");
    if (javaScriptEnabled) await look(page, "merge-wrong");

    const current = JSON.stringify({ Version: "2012-10-17", Statement: [FOREIGN, DENY] });
    await page.getByRole("textbox", { name: "Your current policy" }).fill(current);
    await page.getByRole("button", { name: "Merge" }).click();
    await page.getByRole("heading", { name: "Merged policy" }).waitFor();
    const merged = JSON.parse(await page.locator("#merged").textContent());
    assert.deepEqual(merged.Statement.slice(0, 2), [FOREIGN, DENY]);
    assert.deepEqual(merged.Statement.slice(2).map((statement) => statement.Sid.replace(/[0-9a-f]{8}$/, "")), ["LatchkeyObjects", "LatchkeyList"]);
    assert.equal(merged.Statement[2].Resource, `arn:aws:s3:::${customer.bucket}/*`);
    await page.getByText("OnlyFromHere").first().waitFor();
    if (javaScriptEnabled) {
      await look(page, "merged");
      await look(page, "merged", { phone: true });
    }
    await page.getByRole("link", { name: "Back to the documents" }).click();
    assert.equal(await page.getByLabel("Bucket name").inputValue(), customer.bucket);
  });
}

test("a token for programs is created and shown once", async (t) => {
  const acme = await tenant();
  const page = await visitor(t);
  await page.goto(acme.url);
  await page.getByText("Do you use a script or a pipeline?").click();
  await page.getByRole("button", { name: "Create a token" }).click();
  await heading(page, "Your API token");
  await look(page, "api-token");
  const token = await copied(page, "token");
  const url = `${new URL(acme.url).origin}/customer/v1/connection`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await answer.json()).status, "invited");
  await page.getByRole("link", { name: "Back to the documents" }).click();
  await heading(page, "Connect your own bucket");
  assert.ok(!(await page.content()).includes(token));
});
