// Mistakes, and how the page helps to fix them.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { account, api, closeBrowser, copied, documents, fillNames, heading, invite, look, tenant, visitor } from "./lib.js";

after(closeBrowser);

/** Applies the documents as copied from the page, and continues to the second page. */
async function applyAll(page, customer, mode, url) {
  await page.goto(url);
  if (mode === "direct") await page.getByRole("link", { name: /Choose “Our role/ }).click();
  await fillNames(page, customer, mode);
  await page.getByText("All documents are complete").waitFor();
  for (const name of await documents(page)) {
    await customer.run("apply_text", { document: name, text: await copied(page, `text-${name}`) });
  }
  await page.getByRole("button", { name: "Continue" }).click();
  await heading(page, "Enter your bucket and key");
}

for (const [mode, action, dropped, fixed] of [
  ["assume_role", "kms:Decrypt", ["role-permissions", "key-policy"], "role-permissions"],
  ["direct", "s3:GetObject", ["bucket-policy"], "bucket-policy"],
]) {
  test(`a missing statement is named, and its fix works as copied: ${mode}`, async (t) => {
    const acme = await tenant("Initech");
    const customer = await account(t, acme.slug);
    const page = await visitor(t);
    await applyAll(page, customer, mode, acme.url);
    for (const document of dropped) await customer.run("drop", { document, action });
    await page.getByRole("button", { name: "Submit and verify" }).last().click();

    await heading(page, "Waiting for AWS");
    await page.getByText(/Next attempt in \d+ s/).waitFor();
    await look(page, `verify-${mode}-waiting`);
    await page.reload();
    await heading(page, "Something is missing");
    await look(page, `verify-${mode}-rejected`);
    await look(page, `verify-${mode}-rejected`, { phone: true });
    assert.equal(await page.locator("li.check.failed").count(), 1, "one cause, one failed check");
    const check = (await page.locator("li.check.failed").getAttribute("id")).replace("check-", "");

    const statement = JSON.parse(await copied(page, `fix-${check}`));
    assert.deepEqual(Object.keys(statement).slice(0, 2), ["Sid", "Effect"], "fields are in the usual order");
    await customer.run("fix", { document: fixed, text: await copied(page, `fix-${check}`) });
    const second = await page.context().newPage();
    await second.goto(page.url());
    await heading(second, "Something is missing");
    await page.getByRole("button", { name: "Verify again" }).click();
    await heading(page, "Connected");
    // The other tab looks again when it is used.
    await second.evaluate(() => dispatchEvent(new Event("focus")));
    await heading(second, "Connected");
    assert.deepEqual(await customer.run("remaining_probes"), []);
    const shown = await api("GET", `/v1/tenants/${acme.slug}`, undefined, 200);
    assert.equal(shown.status, "active");
    assert.equal(shown.active.version, 1, "no second submission was needed");
  });
}

test("common mistakes are recognized, and a correction is suggested but not applied", async (t) => {
  const acme = await tenant();
  const page = await visitor(t);
  await page.goto(acme.url);
  await page.getByLabel("Bucket name").fill("s3://acme-documents/incoming");
  const offered = page.getByRole("button", { name: "Use acme-documents", exact: true });
  await offered.waitFor();
  await look(page, "apply-mistake");
  await offered.click();
  assert.equal(await page.getByLabel("Bucket name").inputValue(), "acme-documents");
  await page.locator("#text-bucket-policy", { hasText: "arn:aws:s3:::acme-documents/*" }).waitFor();

  await page.goto(`${new URL(acme.url).origin}/onboard/send`);
  const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::acme-documents/*" }] };
  await page.getByLabel("Bucket ARN").fill(JSON.stringify(policy));
  await page.getByText("This is a policy document, not an ARN.").waitFor();
  await page.getByRole("button", { name: "Use arn:aws:s3:::acme-documents", exact: true }).waitFor();
  const key = "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab";
  await page.getByLabel("Key ARN").fill(key.replace("key/", "key/ "));
  await page.getByText("This is an ARN with line breaks or spaces in it.").waitFor();
  await page.getByLabel("Role ARN").fill("https://us-east-1.console.aws.amazon.com/iam/home#/roles/details/documents?section=permissions");
  await page.getByText("This is a web address, not an ARN; enter one such as").waitFor();
  await look(page, "send-mistakes");

  await page.getByRole("button", { name: "Submit and verify" }).last().click();
  await page.getByRole("alert").waitFor();
  await look(page, "send-faults");
  await look(page, "send-faults", { phone: true });
  assert.equal(await page.evaluate(() => document.activeElement.id), "bucket_arn", "the first invalid field has the focus");
  assert.equal(await page.getByLabel("Bucket ARN").inputValue(), JSON.stringify(policy), "the input is kept");
  const shown = await api("GET", `/v1/tenants/${acme.slug}`, undefined, 200);
  assert.equal(shown.status, "invited", "no correction was applied by itself");

  await page.getByRole("button", { name: `Use ${key}`, exact: true }).click();
  await page.locator("#key_arn-note", { hasText: "Looks right" }).waitFor();
  await page.getByText("Taken from the key ARN: eu-central-1.").waitFor();
  assert.equal(await page.getByLabel("Region").inputValue(), "", "what follows from the key is not entered");
  await page.getByRole("button", { name: "Use arn:aws:iam::222222222222:role/documents", exact: true }).click();
  await page.getByText("Taken from the role ARN: 222222222222.").waitFor();
  assert.equal(await page.getByLabel("AWS account ID of the bucket").inputValue(), "");
  await page.getByRole("button", { name: "Use arn:aws:s3:::acme-documents", exact: true }).click();
  await page.locator("#bucket_arn-note", { hasText: "Looks right" }).waitFor();
  assert.equal(await page.locator(".note .error").count(), 0);

  await page.reload();
  await page.locator("#bucket_arn-note", { hasText: "Looks right" }).waitFor();
  assert.equal(await page.getByLabel("Bucket ARN").inputValue(), "arn:aws:s3:::acme-documents", "the input survives a reload");
});

test("an expired or revoked link says so, and open pages of it stop working", async (t) => {
  const acme = await tenant();
  const customer = await account(t, acme.slug);
  const page = await visitor(t);
  await page.goto(acme.url);
  await heading(page, "Connect your own bucket");
  await api("DELETE", `/v1/tenants/${acme.slug}/invites/${acme.inviteId}`, undefined, 204);
  await page.getByLabel("Bucket name").fill("acme-documents");
  await heading(page, "This link was revoked");
  await look(page, "refused-revoked");
  assert.equal((await page.goto(acme.url)).status(), 410);

  const second = await invite(acme.slug);
  await page.goto(second.url);
  await heading(page, "Connect your own bucket");
  await customer.run("expire", { invite: second.inviteId });
  assert.equal((await page.goto(second.url)).status(), 410);
  await heading(page, "This link has expired");
  await look(page, "refused-expired");

  assert.equal((await page.goto(`${second.url}x`)).status(), 404);
  await heading(page, "Unknown link");
  await look(page, "refused-unknown");
  const newcomer = await visitor(t);
  assert.equal((await newcomer.goto(`${new URL(acme.url).origin}/onboard/verify`)).status(), 403);
  await heading(newcomer, "Open your invite link");
  await look(newcomer, "refused-no-session");
});

test("two tabs, and two links in one browser", async (t) => {
  const acme = await tenant("Acme Corporation");
  const page = await visitor(t);
  await page.goto(acme.url);
  const send = `${new URL(acme.url).origin}/onboard/send`;
  const typed = async (tab, bucket) => {
    await tab.goto(send);
    await tab.getByLabel("Bucket ARN").fill(`arn:aws:s3:::${bucket}`);
    await tab.getByLabel("Key ARN").fill("arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab");
    await tab.getByLabel("Role ARN").fill("arn:aws:iam::222222222222:role/nobody");
    await tab.locator("#role_arn-note", { hasText: "Looks right" }).waitFor();
  };
  const click = (tab) => tab.getByRole("button", { name: "Submit and verify" }).last().click();
  const versions = async () => (await api("GET", `/v1/tenants/${acme.slug}/storage-configs`, undefined, 200)).items.length;

  const second = await page.context().newPage();
  await typed(page, "acme-one");
  await typed(second, "acme-one");
  await click(page);
  await page.waitForURL("**/onboard/verify");
  await click(second);
  await second.waitForURL("**/onboard/verify");
  assert.equal(await versions(), 1, "sending the same twice creates one version");
  await typed(second, "acme-two");
  await click(second);
  await second.waitForURL("**/onboard/verify");
  assert.equal(await versions(), 2);
  await page.reload();
  await page.getByText("arn:aws:s3:::acme-two").waitFor();

  // A form of one tenant is never submitted for another.
  await typed(page, "acme-three");
  const globex = await tenant("Globex");
  await second.goto(globex.url);
  await heading(second, "Open the setup of Globex?");
  await look(second, "another-link");
  await second.getByRole("link", { name: "Stay with Acme Corporation" }).click();
  await second.getByText("Acme Corporation").first().waitFor();
  await second.goto(globex.url);
  await second.getByRole("button", { name: "Continue with Globex" }).click();
  await second.waitForURL("**/onboard/apply");
  await click(page);
  await heading(page, "Nothing was submitted");
  await look(page, "refused-stale");
  assert.equal(await versions(), 2);
  assert.equal((await api("GET", `/v1/tenants/${globex.slug}`, undefined, 200)).status, "invited");
});
