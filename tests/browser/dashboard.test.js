// The dashboard, as ops use it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  TIMEOUT, account, api, applyIssued, closeBrowser, copied, heading, look, operator, privateUrl, submission, tenant, token, verdict, visitor,
} from "./lib.js";

after(closeBrowser);

/** A submission that is rejected at once, without waiting for propagation: its bucket does not exist. */
const NOWHERE = {
  mode: "direct",
  bucket_arn: "arn:aws:s3:::no-such-bucket-anywhere",
  bucket_region: "us-east-1",
  key_arn: "arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
};

const at = (path) => `${privateUrl}${path}`;
const pill = (page, text) => page.locator("h1 .pill", { hasText: text }).waitFor();

test("signing in returns to the requested page", async (t) => {
  const page = await visitor(t);
  await page.goto(at("/tenants?status=degraded"));
  await heading(page, "Sign in");
  await look(page, "dashboard-sign-in");
  await look(page, "dashboard-sign-in", { phone: true });
  await page.getByLabel("Token").fill(await token("service"));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Tokens with the role service cannot use the dashboard").waitFor();
  await look(page, "dashboard-sign-in-refused");
  await page.getByLabel("Token").fill(await token("viewer"));
  await page.keyboard.press("Enter");
  await heading(page, "Tenants");
  assert.equal(new URL(page.url()).search, "?status=degraded");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  await page.goto(at("/"));
  await heading(page, "Sign in");
});

test("who is stuck, on what, since when", async (t) => {
  const fine = await tenant("Globex");
  const customer = await account(t, fine.slug);
  await applyIssued(fine.slug, customer, "direct");
  assert.equal(await verdict(fine.slug, submission(customer, "direct")), "verified");
  const stuck = await tenant("Initech");
  assert.equal(await verdict(stuck.slug, NOWHERE), "rejected");
  const off = await tenant("Hooli");
  await api("POST", `/v1/tenants/${off.slug}/suspend`, { reason: "Unpaid" }, 200);

  const page = await operator(t);
  const row = page.getByRole("row", { name: new RegExp(stuck.slug) });
  await row.getByText("There is no bucket named no-such-bucket-anywhere.").waitFor();
  await row.getByText("Action required").waitFor();
  await look(page, "dashboard-overview");
  await look(page, "dashboard-overview", { phone: true });
  await page.getByText("Show as table").click();
  await page.getByRole("cell", { name: "The bucket exists." }).waitFor();
  await look(page, "dashboard-overview-table");

  await page.locator(".chart a", { hasText: "bucket-reachable" }).click();
  await heading(page, "Tenants");
  assert.equal(await page.getByLabel("Failing check").inputValue(), "bucket-reachable");
  await page.getByRole("row", { name: new RegExp(stuck.slug) }).waitFor();
  assert.equal(await page.getByRole("row", { name: new RegExp(fine.slug) }).count(), 0);
  await look(page, "dashboard-tenants");
  await look(page, "dashboard-tenants", { phone: true });
  await page.getByRole("link", { name: "Clear" }).click();
  await page.getByLabel("Search").fill(fine.slug);
  await page.keyboard.press("Enter");
  await page.getByRole("row", { name: new RegExp(fine.slug) }).waitFor();
  assert.equal(await page.locator("tbody tr").count(), 1);
  await page.getByLabel("Search").fill("?!");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  await look(page, "dashboard-tenants-wrong");
});

test("a change to another account waits for approval", async (t) => {
  const acme = await tenant("Umbrella");
  const before = await account(t, acme.slug);
  await applyIssued(acme.slug, before, "direct");
  assert.equal(await verdict(acme.slug, submission(before, "direct")), "verified");
  const moved = await account(t, `${acme.slug}-2`);
  await applyIssued(acme.slug, moved, "direct");
  assert.equal(await verdict(acme.slug, submission(moved, "direct")), "verified");

  const customer = await visitor(t);
  await customer.goto(acme.url);
  await heading(customer, "Waiting for confirmation");
  await customer.getByText("stays in use until this change is confirmed").waitFor();
  await look(customer, "verify-approval");
  // The link was created for onboarding, which is complete.
  await customer.goto(`${new URL(acme.url).origin}/onboard/send`);
  await heading(customer, "Ask for a link that allows changes");
  await look(customer, "refused-change");

  const page = await operator(t);
  const row = page.getByRole("region", { name: "Waiting for approval" }).getByRole("row", { name: new RegExp(acme.slug) });
  await row.getByText(moved.bucket).first().waitFor();
  await look(page, "dashboard-overview-approval");
  await look(page, "dashboard-overview-approval", { phone: true });
  await row.getByRole("link", { name: "Umbrella" }).click();
  await page.getByRole("heading", { name: "Version 2 needs your approval" }).waitFor();
  await look(page, "dashboard-tenant-approval");
  await look(page, "dashboard-tenant-approval", { phone: true });

  await page.getByRole("link", { name: "Browsers that opened the invite" }).click();
  await heading(page, "Invite for Umbrella");
  await look(page, "dashboard-invite-browsers");
  await page.getByRole("button", { name: "End the session of" }).click();
  await page.getByText("Session ended.").waitFor();
  await customer.reload();
  await heading(customer, "This session was ended");
  await look(customer, "refused-session-ended");

  await page.getByRole("link", { name: "Approve" }).click();
  await heading(page, "Approve version 2 of Umbrella");
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByText("Enter a reason; it is recorded in the audit log.").waitFor();
  await look(page, "dashboard-approve");
  await page.getByLabel("Reason").fill("The customer confirmed it by phone");
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByText("Change approved.").waitFor();
  await page.getByText("Version 2 activated").waitFor();
  assert.equal((await api("GET", `/v1/tenants/${acme.slug}`, undefined, 200)).active_version, 2);
});

test("lists are paginated", async (t) => {
  const name = `Paged ${Math.random().toString(36).slice(2, 8)}`;
  for (let number = 0; number < 51; number++) {
    await api("POST", "/v1/tenants", { slug: `p-${Math.random().toString(36).slice(2)}`, name }, 201);
  }
  const page = await operator(t, "viewer");
  await page.goto(at(`/tenants?q=${encodeURIComponent(name)}`));
  assert.equal(await page.locator("tbody tr").count(), 50);
  await page.getByRole("link", { name: "Next page" }).click();
  await page.getByRole("link", { name: "First page" }).waitFor();
  assert.equal(await page.locator("tbody tr").count(), 1);
  assert.equal(await page.getByLabel("Search").inputValue(), name);
  await page.getByRole("link", { name: "First page" }).click();
  assert.equal(await page.locator("tbody tr").count(), 50);
});

test("a failure is explained in a text to send, fixed, and verified live", async (t) => {
  const acme = await tenant("Initech");
  const customer = await account(t, acme.slug);
  await applyIssued(acme.slug, customer);
  await customer.run("drop", { document: "role-permissions", action: "kms:Decrypt" });
  await customer.run("drop", { document: "key-policy", action: "kms:Decrypt" });
  const page = await operator(t);
  await api("POST", `/v1/tenants/${acme.slug}/storage-configs`, submission(customer), 202);
  await page.goto(at(`/tenants/${acme.slug}`));
  await page.getByText("Version 1 is being verified").waitFor();
  await look(page, "dashboard-tenant-verifying");
  // The page follows the verification without a reload.
  await page.getByRole("heading", { name: "Version 1 was rejected" }).waitFor();
  await pill(page, "Action required");
  await page.getByText("Text to email to the customer").click();
  await look(page, "dashboard-tenant-rejected");
  await look(page, "dashboard-tenant-rejected", { phone: true });
  const mail = await copied(page, "mail");
  assert.match(mail, /One thing needs to be changed/);
  const statement = JSON.parse(mail.slice(mail.indexOf("{"), mail.lastIndexOf("}") + 1));
  await customer.run("fix", { document: "role-permissions", text: JSON.stringify(statement) });

  await page.getByRole("button", { name: "Verify now" }).click();
  await page.getByRole("heading", { level: 1, name: "Verified" }).waitFor();
  assert.equal(await page.locator("li.check.waiting").count(), 0);
  await look(page, "dashboard-verification");
  await look(page, "dashboard-verification", { phone: true });
  await page.getByRole("link", { name: `Back to ${acme.name}` }).click();
  await pill(page, "Active");
  await look(page, "dashboard-tenant-active");
  await look(page, "dashboard-tenant-active", { phone: true });

  await page.getByRole("link", { name: "Documents to apply" }).click();
  await heading(page, "Documents of Initech");
  assert.ok((await copied(page, "text-bucket-policy")).includes(customer.bucket));
  await look(page, "dashboard-documents");
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "terraform" }).click()]);
  assert.equal(file.suggestedFilename(), `latchkey-${acme.slug}.tf`);

  // A rotation is started and abandoned.
  await page.goto(at(`/tenants/${acme.slug}`));
  await page.getByRole("link", { name: "Rotate external ID" }).click();
  await heading(page, "Rotate external ID of Initech");
  await look(page, "dashboard-rotate");
  await page.getByRole("button", { name: "Issue external ID" }).click();
  await page.getByText("The next external ID is issued but not verified yet").waitFor();
  await look(page, "dashboard-tenant-rotating");
  await page.getByRole("link", { name: "Abandon" }).click();
  await page.getByRole("button", { name: "Abandon" }).click();
  await page.getByText("New external ID abandoned").waitFor();
  assert.equal((await api("GET", `/v1/tenants/${acme.slug}`, undefined, 200)).next_external_id, null);
});

for (const javaScriptEnabled of [true, false]) {
  test(`a tenant's lifecycle, ${javaScriptEnabled ? "with" : "without"} JavaScript`, async (t) => {
    const page = await operator(t, "admin", { javaScriptEnabled });
    const shows = async (name, options) => javaScriptEnabled && (await look(page, `dashboard-${name}`, options));
    const slug = `life-${Math.random().toString(36).slice(2)}`;
    await page.getByRole("link", { name: "Create a tenant" }).click();
    await heading(page, "Create a tenant");
    await page.getByLabel("Slug").fill("No Slug");
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByText("A slug consists of 2 to 63").waitFor();
    await shows("new-tenant");
    await page.getByLabel("Slug").fill(slug);
    await page.getByLabel("Name", { exact: true }).fill("Acme Corporation");
    await page.getByLabel("Reference").fill("CRM-20417");
    await page.getByRole("button", { name: "Create" }).click();
    await heading(page, "Acme Corporation");
    await page.getByText("Tenant created.").waitFor();
    await pill(page, "Invited");
    await shows("tenant-new");

    await page.getByLabel("Valid for").selectOption("24");
    await page.getByRole("button", { name: "Create an invite" }).click();
    await heading(page, "Invite for Acme Corporation");
    await shows("invite");
    const link = javaScriptEnabled ? await copied(page, "link") : await page.locator("#link").textContent();
    const guest = await visitor(t);
    await guest.goto(link);
    await heading(guest, "Connect your own bucket");
    await page.reload();
    await page.getByText("is not stored").waitFor();
    assert.equal(await page.locator("#link").count(), 0, "it is shown only once");
    await page.getByRole("link", { name: "Back to Acme Corporation" }).click();
    await page.getByRole("button", { name: "Revoke the invite" }).click();
    await page.getByText("Invite revoked. Its link no longer works.").waitFor();
    assert.equal((await guest.goto(link)).status(), 410);

    assert.equal(await verdict(slug, NOWHERE), "rejected");
    await page.goto(at(`/tenants/${slug}`));
    await page.getByRole("button", { name: "Verify now" }).click();
    await page.getByRole("heading", { level: 1, name: "Rejected" }).waitFor();
    await page.getByRole("link", { name: "Back to Acme Corporation" }).click();

    await page.getByRole("link", { name: "Edit" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Acme Limited");
    const other = { name: "Acme Holding" };
    const { etag } = Object.fromEntries((await fetch(at(`/v1/tenants/${slug}`), { headers: { authorization: `Bearer ${process.env.LATCHKEY_TOKEN}` } })).headers);
    const changed = await fetch(at(`/v1/tenants/${slug}`), {
      method: "PATCH",
      headers: { authorization: `Bearer ${process.env.LATCHKEY_TOKEN}`, "content-type": "application/json", "if-match": etag },
      body: JSON.stringify(other),
    });
    assert.equal(changed.status, 200);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Someone else has changed this tenant").waitFor();
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Acme Limited", "the input is kept");
    await shows("edit-stale");
    await page.getByRole("button", { name: "Save" }).click();
    await heading(page, "Acme Limited");

    await page.getByRole("link", { name: "Suspend" }).click();
    await page.getByRole("button", { name: "Suspend" }).click();
    await page.getByText("Enter a reason").waitFor();
    await shows("suspend");
    await page.getByLabel("Reason").fill("Unpaid since March");
    await page.getByRole("button", { name: "Suspend" }).click();
    await pill(page, "Suspended");
    await shows("tenant-suspended");
    await page.getByRole("link", { name: "Resume" }).click();
    await page.getByLabel("Reason").fill("Paid");
    await page.getByRole("button", { name: "Resume" }).click();
    await pill(page, "Action required");

    await page.getByRole("link", { name: "Offboard", exact: true }).click();
    await heading(page, "Offboard Acme Limited");
    await page.getByLabel("Reason").fill("Contract ended");
    await page.getByLabel(`Type ${slug}`).fill("another");
    await page.getByRole("button", { name: "Offboard permanently" }).click();
    await page.getByText(`Type ${slug} to confirm`).waitFor();
    await shows("offboard");
    await shows("offboard", { phone: true });
    await page.getByLabel(`Type ${slug}`, { exact: true }).fill(slug);
    await page.getByRole("button", { name: "Offboard permanently" }).click();
    await pill(page, "Offboarded");
    assert.equal(await page.getByRole("link", { name: "Edit" }).count(), 0, "nothing can be changed");
    await page.getByText("Contract ended").waitFor();
    await shows("tenant-offboarded");
    await page.getByRole("link", { name: "Offboarding steps for the customer" }).click();
    await page.getByText("Remove the statement").first().waitFor();
    await shows("removal");
    await page.goBack();
    await page.getByRole("link", { name: "Erase personal data" }).click();
    await heading(page, "Erase the personal data of Acme Limited");
    await page.getByLabel("Reason").fill("Asked to, by letter");
    await page.getByLabel(`Type ${slug}`, { exact: true }).fill(slug);
    await shows("erase");
    await page.getByRole("button", { name: "Erase permanently" }).click();
    await page.getByText("Personal data erased. The audit log").waitFor();
    await heading(page, "erased");
    assert.equal(await page.getByText(slug).count(), 0);
    await shows("tenant-erased");
  });
}

test("the audit log, and tokens", async (t) => {
  const acme = await tenant();
  await api("POST", `/v1/tenants/${acme.slug}/suspend`, { reason: "Unpaid since March" }, 200);
  const page = await operator(t, "admin");
  await page.getByRole("link", { name: "Audit" }).click();
  await page.getByText("Unpaid since March").first().waitFor();
  await look(page, "dashboard-audit");
  await look(page, "dashboard-audit", { phone: true });
  await page.getByLabel("Tenant").fill(acme.slug);
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByText("Tenant created", { exact: true }).waitFor();
  assert.equal(await page.locator(".timeline > li").count(), 3);
  await page.getByLabel("Tenant").fill("nobody-at-all");
  await page.keyboard.press("Enter");
  await page.getByText("There is no tenant with this ID or slug.").waitFor();
  await page.getByRole("link", { name: "Clear" }).click();
  await page.getByLabel("Action").selectOption("session.started");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByText("Signed in", { exact: true }).first().waitFor();
  const who = page.locator(".timeline > li .what a").first();
  const author = await who.textContent();
  await who.click();
  await page.waitForURL(/actor=token/);
  const all = await page.locator(".timeline > li .what a").allTextContents();
  assert.ok(all.length && all.every((one) => one === author), `all of it is by ${author}: ${all}`);
  await look(page, "dashboard-audit-filtered", { phone: true });

  await page.getByRole("link", { name: "Tokens" }).click();
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText("The token was not created").waitFor();
  const name = `billing-${Math.random().toString(36).slice(2)}`;
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Tenants (optional)").fill("nobody-at-all");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText("There is no tenant with this ID or slug.").waitFor();
  await look(page, "dashboard-tokens-wrong");
  await page.getByLabel("Tenants (optional)").fill(acme.slug);
  await page.getByRole("button", { name: "Create" }).click();
  await heading(page, "New token");
  const made = await copied(page, "made");
  assert.match(made, /^lk_service_[0-9a-f]{64}$/);
  await look(page, "dashboard-token", { phone: true });
  const asks = () => fetch(at(`/internal/v1/tenants/${acme.slug}/storage-config`), { headers: { authorization: `Bearer ${made}` } });
  assert.equal((await asks()).status, 403, "the token is valid, but the tenant is suspended");
  await page.getByRole("link", { name: "Back to all tokens" }).click();
  await look(page, "dashboard-tokens");
  await look(page, "dashboard-tokens", { phone: true });
  await page.getByRole("button", { name: `Revoke ${name}` }).click();
  await page.getByText("Token revoked").waitFor();
});

test("a quarantine and a token that expires soon stand out", async (t) => {
  const acme = await tenant("Soylent");
  const customer = await account(t, acme.slug);
  await applyIssued(acme.slug, customer, "direct");
  assert.equal(await verdict(acme.slug, submission(customer, "direct")), "verified");
  const { active } = await api("GET", `/v1/tenants/${acme.slug}`, undefined, 200);
  const breach = `with breach as (
      insert into verifications (id, tenant_id, config_id, trigger, state, verdict, is_breach, attempt, created_at, started_at, finished_at)
      select gen_random_uuid(), tenant_id, id, 'manual', 'finished', 'rejected', true, 1, clock_timestamp(), clock_timestamp(), clock_timestamp()
      from storage_configs where id = :'id' returning id
    ), attempt as (insert into verification_attempts (verification_id, attempt, event, started_at) select id, 1, 1, now() from breach returning verification_id)
    insert into verification_checks (verification_id, attempt, name, event, status, required, side, summary, is_breach)
    select verification_id, 1, 'bucket-not-public', 2, 'failed', true, 'customer', 'Anyone on the internet can list the bucket.', true from attempt;`;
  await customer.run("sql", { script: breach + breach, id: active.id });
  const page = await operator(t, "admin");
  await page.goto(at(`/tenants/${acme.slug}`));
  await page.getByRole("heading", { name: "The active version is in quarantine" }).waitFor();
  await page.locator("#quarantine li", { hasText: "bucket-not-public failed. A pass proves:" }).waitFor();
  await look(page, "dashboard-quarantine");
  await look(page, "dashboard-quarantine", { phone: true });

  const old = await api("POST", "/v1/tokens", { name: "monthly-report", role: "service" }, 201);
  const nearly = "update tokens set created_at = now() - interval '81 days', expires_at = now() + interval '9 days 1 hour' where id = :'id'";
  await customer.run("sql", { script: nearly, id: old.id });
  await page.goto(at("/tokens"));
  await page.getByRole("listitem").filter({ hasText: "monthly-report (service) expires in 9 days" }).waitFor();
  await look(page, "dashboard-tokens-expiring");
  await look(page, "dashboard-tokens-expiring", { phone: true });
});

test("a viewer sees everything and can change nothing; missing pages say so", async (t) => {
  const acme = await tenant();
  const page = await operator(t, "viewer");
  await page.goto(at(`/tenants/${acme.slug}`));
  await heading(page, "Acme Corporation");
  for (const name of ["Edit", "Suspend", "Offboard", "Tokens"]) assert.equal(await page.getByRole("link", { name, exact: true }).count(), 0);
  assert.equal(await page.getByRole("button").count(), 2, "sign out, and copy the external ID");
  assert.equal((await page.goto(at("/tokens"))).status(), 403);
  await heading(page, "Forbidden");
  await look(page, "dashboard-refused");
  await look(page, "dashboard-refused", { phone: true });
  assert.equal((await page.goto(at("/tenants/nobody-at-all"))).status(), 404);
  await heading(page, "Not found");
});

test("with the keyboard only", async (t) => {
  const acme = await tenant("Keyboard Limited");
  assert.equal(await verdict(acme.slug, NOWHERE), "rejected");
  const page = await visitor(t);
  await page.goto(at("/"));
  assert.equal(await page.evaluate(() => document.activeElement.id), "token");
  await page.keyboard.type(await token("ops"));
  await page.keyboard.press("Enter");
  await heading(page, "Overview");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");

  /** Presses Tab until the element has the focus, and checks that the focus is visible. */
  const reach = async (wanted) => {
    for (let presses = 0; presses < 150; presses++) {
      await page.keyboard.press("Tab");
      const there = await page.evaluate(() => {
        const at = document.activeElement;
        const shown = at.closest(".chart a")?.querySelector(".hit");
        const style = getComputedStyle(at);
        const stroke = shown && getComputedStyle(shown).strokeWidth;
        return {
          name: at.id || at.getAttribute("aria-label") || at.textContent.trim(),
          shows: shown ? parseFloat(stroke) >= 2 : style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        };
      });
      if (wanted.test(there.name)) {
        assert.ok(there.shows, `the focus on ${there.name} is visible`);
        return;
      }
    }
    assert.fail(`${wanted} cannot be reached with the keyboard`);
  };
  await reach(/^bucket-reachable: \d+$/);
  await look(page, "dashboard-focus");
  await page.keyboard.press("Enter");
  await heading(page, "Tenants");
  await reach(/^Keyboard Limited$/);
  await page.keyboard.press("Enter");
  await heading(page, "Keyboard Limited");
  await reach(/^Suspend$/);
  await page.keyboard.press("Enter");
  await heading(page, "Suspend Keyboard Limited");
  await reach(/^reason$/);
  await page.keyboard.type("By keyboard");
  await page.keyboard.press("Enter");
  await pill(page, "Suspended");
});

test("webhooks, deliveries, and resending", async (t) => {
  const page = await operator(t);
  await page.getByRole("link", { name: "Webhooks" }).click();
  await heading(page, "Webhooks");
  await page.getByLabel("URL").fill("ftp://nowhere");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText("The webhook was not created").waitFor();
  await look(page, "dashboard-webhooks-wrong");
  // Loopback is allowed here, and nothing listens on this port.
  await page.getByLabel("URL").fill("https://127.0.0.1:9/latchkey");
  await page.getByLabel("Description").fill("The billing service");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { level: 1, name: "Webhook" }).waitFor();
  assert.match(await copied(page, "secret"), /^whsec_/);
  await page.getByRole("button", { name: "Send a test" }).click();
  await page.getByText("Test message queued").waitFor();
  assert.equal(await page.locator("#secret").count(), 0, "it is shown only once");
  const given = page.getByRole("cell", { name: "Given up" });
  const until = Date.now() + TIMEOUT;
  while (!(await given.count()) && Date.now() < until) await page.reload();
  await page.getByText("unreachable").waitFor();
  await look(page, "dashboard-webhook");
  await look(page, "dashboard-webhook", { phone: true });
  await page.getByText("Rotate secret").click();
  await page.getByLabel("Keep signing with the current secret").selectOption("for a week");
  await page.getByRole("button", { name: "Rotate" }).click();
  assert.match(await copied(page, "secret"), /^whsec_/);
  await page.getByText("also signed with the previous secret").waitFor();
  await look(page, "dashboard-webhook-rotated");
  await page.reload();
  await page.getByRole("button", { name: "Send again" }).first().click();
  await page.getByText("Message queued again").waitFor();
  await page.getByRole("link", { name: "Webhooks" }).first().click();
  await page.getByText("The billing service").waitFor();
  await look(page, "dashboard-webhooks");
  await page.getByRole("link", { name: "https://127.0.0.1:9/latchkey" }).click();
  await page.getByText("Delete this webhook").click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByText("Webhook deleted").waitFor();
});
