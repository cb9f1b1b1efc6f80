// The README's pictures of the form. ./dev/screenshots runs this.
import path from "node:path";
import { after, test } from "node:test";
import { account, closeBrowser, copied, documents, fillNames, heading, tenant, visitor } from "./lib.js";

after(closeBrowser);

test("pictures", async (t) => {
  const acme = await tenant("Acme Corporation");
  const customer = await account(t, acme.slug);
  const page = await visitor(t, { viewport: { width: 1100, height: 900 }, reducedMotion: "reduce" });
  const picture = async (name) => {
    await page.mouse.move(0, 0);
    await page.screenshot({ path: path.join(process.env.LATCHKEY_SCREENSHOTS, `${name}.png`) });
  };
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
