// The screenshots in the documentation. ./dev/screenshots runs this.
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

test("the form", async (t) => {
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
    await customer.run("apply_text", { document: name, text: await copied(page, `text-${name}`) });
  }
  for (const document of ["role-permissions", "key-policy"]) await customer.run("drop", { document, action: "kms:Decrypt" });
  await page.getByRole("button", { name: "Continue" }).click();
  await heading(page, "Enter your bucket and key");
  await picture("tell-us");
  await page.getByRole("button", { name: "Submit and verify" }).last().click();
  await heading(page, "Something is missing");
  await scrollTo("#group-key");
  await picture("fix");
  await customer.run("fix", { document: "role-permissions", text: await copied(page, "fix-key-decrypt-allowed") });
  await page.getByRole("button", { name: "Verify again" }).click();
  await heading(page, "Connected");
  await scrollTo("#content");
  await picture("verified");
});

/** A tenant with verified storage. */
async function onboarded(t, name, slug, mode) {
  const one = await tenant(name, slug);
  const customer = await account(t, slug);
  await applyIssued(slug, customer, mode);
  await verdict(slug, submission(customer, mode));
  return { ...one, customer };
}

const nowhere = (bucket) => ({
  mode: "direct",
  bucket_arn: `arn:aws:s3:::${bucket}`,
  bucket_region: "us-east-1",
  key_arn: "arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
});

test("the dashboard", async (t) => {
  await onboarded(t, "Globex", "globex", "direct");
  await onboarded(t, "Tyrell Corporation", "tyrell", "assume_role");
  await api("POST", "/v1/tenants/tyrell/suspend", { reason: "Invoice 2041 is unpaid" }, 200);
  for (const [name, slug] of [["Hooli", "hooli"], ["Umbrella", "umbrella"]]) await tenant(name, slug);
  for (const [name, slug] of [["Soylent", "soylent"], ["Vandelay Industries", "vandelay"]]) {
    await tenant(name, slug);
    await verdict(slug, nowhere(`${slug}-documents-archive`));
  }
  const worked = await onboarded(t, "Cyberdyne", "cyberdyne", "direct");
  await worked.customer.run("drop", { document: "bucket-policy", action: "s3:GetObject" });
  const again = async () => {
    const { id } = await api("POST", "/v1/tenants/cyberdyne/verifications", {}, 202);
    await api("GET", `/v1/verifications/${id}/events`, undefined, 200, { text: true });
  };
  await again();
  const { id } = await api("GET", "/v1/tenants/cyberdyne", undefined, 200);
  await worked.customer.run("backdate_by_a_minute", { id });
  await again();
  await tenant("Initech", "initech");
  const customer = await account(t, "initech");
  await applyIssued("initech", customer);
  for (const document of ["role-permissions", "key-policy"]) await customer.run("drop", { document, action: "kms:Decrypt" });
  await verdict("initech", submission(customer));
  // Spread the history over time, for realistic times in the screenshots.
  await customer.run("sql", {
    id,
    script: `update tenants set status_since = status_since - case slug when 'soylent' then interval '9 days 3 hours'
                 when 'vandelay' then interval '2 days' when 'cyberdyne' then interval '25 minutes' else interval '3 hours' end
             where :'id' is not null`,
  });

  const page = await operator(t, "ops", { ...WINDOW, viewport: { width: 1280, height: 860 } }, "on-call");
  const picture = taker(page);
  await page.setViewportSize({ width: 1280, height: 1120 });
  await picture("overview");
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.goto(`${privateUrl}/tenants`);
  await heading(page, "Tenants");
  await picture("tenants");
  await page.goto(`${privateUrl}/drift`);
  await heading(page, "Drift");
  await page.setViewportSize({ width: 1280, height: 500 });
  await picture("drift");
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.goto(`${privateUrl}/tenants/initech`);
  await heading(page, "Initech");
  await picture("tenant");
});
