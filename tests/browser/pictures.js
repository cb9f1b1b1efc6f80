// The README's pictures of the form and of the dashboard. ./dev/screenshots runs this.
import path from "node:path";
import { after, test } from "node:test";
import {
  account, api, applyIssued, closeBrowser, copied, documents, fillNames, heading, operator, privateUrl, submission, tenant, verdict, visitor,
} from "./lib.js";

after(closeBrowser);

const WINDOW = { viewport: { width: 1100, height: 900 }, reducedMotion: "reduce" };
const taker = (page) => async (name) => {
  await page.mouse.move(0, 0);
  await page.screenshot({ path: path.join(process.env.LATCHKEY_SCREENSHOTS, `${name}.png`) });
};

test("pictures", async (t) => {
  const acme = await tenant("Acme Corporation");
  const customer = await account(t, acme.slug);
  const page = await visitor(t, WINDOW);
  const picture = taker(page);
  const scrollTo = (selector) => page.locator(selector).evaluate((at) => at.scrollIntoView({ block: "start", behavior: "instant" }));
  await page.goto(acme.url);
  await heading(page, "Connect your own bucket");
  await picture("choose");
  await fillNames(page, customer, "assume_role");
  await page.getByText("All documents are complete").waitFor();
  await scrollTo("#names");
  await picture("apply");
  for (const name of await documents(page)) {
    await customer.ask("apply_text", { document: name, text: await copied(page, `text-${name}`) });
  }
  for (const document of ["role-permissions", "key-policy"]) await customer.ask("drop", { document, action: "kms:Decrypt" });
  await page.getByRole("button", { name: "Continue: tell us" }).click();
  await heading(page, "Tell us where it is");
  await picture("tell-us");
  await page.getByRole("button", { name: "Send and verify" }).last().click();
  await heading(page, "Something is missing");
  await scrollTo("#group-key");
  await picture("fix");
  await customer.ask("fix", { document: "role-permissions", text: await copied(page, "fix-key-decrypt-allowed") });
  await page.getByRole("button", { name: "Verify again" }).click();
  await heading(page, "Everything works");
  await scrollTo("#content");
  await picture("verified");
});

/** A tenant whose storage works. */
async function onboarded(t, name, mode) {
  const one = await tenant(name);
  const customer = await account(t, one.slug);
  await applyIssued(one.slug, customer, mode);
  await verdict(one.slug, submission(customer, mode));
  return { ...one, customer };
}

const NOWHERE = {
  mode: "direct",
  bucket_arn: "arn:aws:s3:::soylent-documents-archive",
  bucket_region: "us-east-1",
  key_arn: "arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
};

test("pictures of the dashboard", async (t) => {
  await onboarded(t, "Globex", "direct");
  const off = await onboarded(t, "Tyrell Corporation", "assume_role");
  await api("POST", `/v1/tenants/${off.slug}/suspend`, { reason: "Invoice 2041 is unpaid" }, 200);
  for (const name of ["Hooli", "Umbrella"]) await tenant(name);
  await verdict((await tenant("Soylent")).slug, NOWHERE);
  const worked = await onboarded(t, "Cyberdyne", "direct");
  await worked.customer.ask("drop", { document: "bucket-policy", action: "s3:GetObject" });
  const again = async () => {
    const { id } = await api("POST", `/v1/tenants/${worked.slug}/verifications`, {}, 202);
    await api("GET", `/v1/verifications/${id}/events`, undefined, 200, { text: true });
  };
  await again();
  const { id } = await api("GET", `/v1/tenants/${worked.slug}`, undefined, 200);
  await worked.customer.ask("pass_a_minute", { id });
  await again();
  const stuck = await tenant("Initech");
  const customer = await account(t, stuck.slug);
  await applyIssued(stuck.slug, customer);
  for (const document of ["role-permissions", "key-policy"]) await customer.ask("drop", { document, action: "kms:Decrypt" });
  await verdict(stuck.slug, submission(customer));

  const page = await operator(t, "ops", { ...WINDOW, viewport: { width: 1280, height: 860 } });
  const picture = taker(page);
  await picture("overview");
  await page.goto(`${privateUrl}/tenants/${stuck.slug}`);
  await heading(page, "Initech");
  await picture("tenant");
});
