// The people who are notified: on the customer's form and on the dashboard. Mail is queued, and the relay cannot be reached.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { api, closeBrowser, heading, look, operator, privateUrl, tenant, visitor } from "./lib.js";

after(closeBrowser);

test("a customer enters a contact, and an operator edits and removes it", async (t) => {
  const acme = await tenant();
  const customer = await visitor(t);
  await customer.goto(acme.url);
  await customer.getByRole("link", { name: "Verify", exact: true }).click();
  await heading(customer, "Nothing to verify yet");
  await customer.getByLabel("Name", { exact: true }).fill("Jo Miller");
  await customer.getByLabel("Email", { exact: true }).fill("jo@");
  await customer.getByRole("button", { name: "Add" }).click();
  await customer.getByText("Enter one email address").waitFor();
  assert.equal(await customer.getByLabel("Name", { exact: true }).inputValue(), "Jo Miller", "the input is kept");
  await look(customer, "verify-contacts-wrong");
  await customer.getByLabel("Email", { exact: true }).fill("jo@acme.example");
  await customer.getByRole("button", { name: "Add" }).click();
  await customer.getByText("j…@acme.example").waitFor();
  await look(customer, "verify-contacts");
  await look(customer, "verify-contacts", { phone: true });

  const page = await operator(t);
  await page.goto(`${privateUrl}/tenants/${acme.slug}`);
  await page.getByText("entered by the customer").waitFor();
  await look(page, "dashboard-contacts");
  await look(page, "dashboard-contacts", { phone: true });
  await page.getByRole("link", { name: "Add a contact" }).click();
  await heading(page, "Add a contact");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Enter a name.").waitFor();
  await look(page, "dashboard-contact-wrong");
  await page.getByRole("link", { name: "Cancel" }).click();
  await page.getByRole("link", { name: "Edit Jo Miller" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Jo Smith");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Contact saved").waitFor();
  await page.getByRole("button", { name: "Remove Jo Smith" }).click();
  await page.getByText("No contacts yet").waitFor();
  const listed = await api("GET", `/v1/tenants/${acme.slug}/contacts`, undefined, 200);
  assert.deepEqual(listed.items, []);
});
