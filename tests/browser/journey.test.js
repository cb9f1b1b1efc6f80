// From the link to a verified bucket, with the documents copied from the page.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { account, api, closeBrowser, copied, documents, fillNames, heading, look, tenant, visitor } from "./lib.js";

after(closeBrowser);

for (const mode of ["assume_role", "direct"]) {
  test(`from the link to verified: ${mode}`, async (t) => {
    const acme = await tenant();
    const customer = await account(t, acme.slug);
    const page = await visitor(t);
    await page.goto(acme.url);
    assert.ok(!page.url().includes(acme.url.split("/").pop()), "the address does not contain the token");
    await heading(page, "Connect your own bucket");
    if (mode === "direct") await page.getByRole("link", { name: /Choose “Our role/ }).click();
    await look(page, `apply-${mode}-empty`);
    await look(page, `apply-${mode}-empty`, { phone: true });

    await fillNames(page, customer, mode);
    await page.getByText("All documents are complete").waitFor();
    await look(page, `apply-${mode}-filled`);
    for (const name of await documents(page)) {
      await customer.run("apply_text", { document: name, text: await copied(page, `text-${name}`) });
    }

    await page.getByRole("button", { name: "Continue" }).click();
    await heading(page, "Enter your bucket and key");
    assert.equal(await page.getByLabel("Bucket ARN").inputValue(), customer.bucket_arn);
    await page.getByText(`Taken from the key ARN: ${customer.key_arn.split(":")[3]}.`).waitFor();
    if (mode === "assume_role") assert.equal(await page.getByLabel("Role ARN").inputValue(), customer.role_arn);
    await look(page, `send-${mode}`);
    await look(page, `send-${mode}`, { phone: true });
    await page.getByRole("button", { name: "Submit and verify" }).last().click();
    await heading(page, "Connected");
    await look(page, `verify-${mode}-verified`);
    await look(page, `verify-${mode}-verified`, { phone: true });

    const shown = await api("GET", `/v1/tenants/${acme.slug}`, undefined, 200);
    assert.equal(shown.status, "active");
    assert.equal(shown.active.mode, mode);
    assert.deepEqual(await customer.run("remaining_probes"), []);

    // Days later, on another device.
    const other = await visitor(t);
    await other.goto(acme.url);
    await heading(other, "Connected");
  });
}
