// Rare states and outages: how each looks, and that it says what to do.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { account, api, closeBrowser, copied, heading, look, tenant, visitor } from "./lib.js";

after(closeBrowser);

test("every rare state explains itself", async (t) => {
  const acme = await tenant();
  const customer = await account(t, acme.slug);
  const page = await visitor(t);
  await page.goto(acme.url);
  const verify = `${new URL(acme.url).origin}/onboard/verify`;
  await page.goto(verify);
  await heading(page, "Nothing to verify yet");
  await look(page, "verify-nothing");

  const submission = {
    mode: "assume_role",
    bucket_arn: customer.bucket_arn,
    bucket_region: customer.key_arn.split(":")[3],
    key_arn: customer.key_arn,
    role_arn: customer.role_arn,
  };
  const sent = await api("POST", `/v1/tenants/${acme.slug}/storage-configs`, submission, 202);
  const id = sent.verification.id;
  await page.goto(verify);
  await heading(page, "Something is missing");
  await look(page, "verify-no-role");

  const shown = async (script, title, name) => {
    await customer.run("sql", { script, id });
    await page.goto(verify);
    await heading(page, title);
    await look(page, name);
  };
  await shown(
    // Its findings as rows, as long as it is not finished, instead of its record.
    `update verifications set verdict = 'inconclusive', record = null where id = :'id';
     insert into verification_attempts (verification_id, attempt, event, started_at)
         select id, attempt, 1, started_at from verifications where id = :'id' on conflict do nothing;
     insert into verification_checks (verification_id, attempt, name, event, status, required, summary)
         select id, attempt, name, 2, 'passed', true, 'It passed.' from verifications,
             unnest(array['vendor-role-assumable', 'client-role-assumable', 'bucket-reachable', 'key-describable']) as name
         where id = :'id' on conflict do nothing;
     update verification_checks set status = 'inconclusive', side = 'aws', fix = null, skipped_because = null,
         summary = 'AWS did not respond to this call (SlowDown). No action is needed; the check will run again.'
     where verification_id = :'id' and name <> 'vendor-role-assumable';`,
    "AWS did not respond to every call",
    "verify-inconclusive",
  );
  await shown(
    `update verification_checks set status = 'skipped', side = null, skipped_because = 'vendor-role-assumable' where verification_id = :'id';
     update verification_checks set status = 'inconclusive', side = 'vendor', skipped_because = null,
         summary = 'There is a problem on the side of [vendor] (AccessDenied). No action is needed from [you]; [vendor] has been alerted.'
     where verification_id = :'id' and name = 'vendor-role-assumable';`,
    "There is a problem on our side",
    "verify-vendor-fault",
  );
  assert.equal(await page.locator(".fix").count(), 0, "the customer is not asked to do anything");
  await shown("update tenants set suspended_at = now() from verifications v where v.tenant_id = tenants.id and v.id = :'id'", "There is a problem on our side", "verify-suspended");
  await page.getByText("currently suspended by us").waitFor();
  await shown(
    `update tenants set suspended_at = null from verifications v where v.tenant_id = tenants.id and v.id = :'id';
     update verifications set state = 'running', verdict = null, finished_at = null, started_at = now() where id = :'id';
     delete from verification_checks where verification_id = :'id' and name > 'c';
     update verification_checks set status = 'passed', skipped_because = null where verification_id = :'id'`,
    "Checking your storage",
    "verify-running",
  );
  await shown("update verifications set state = 'queued' where id = :'id'", "Queued", "verify-queued");

  // It ends while the page is open.
  const ended = page.waitForFunction(() => document.getElementById("announce").textContent.includes("Superseded"));
  await customer.run("sql", {
    script: `update verifications set state = 'finished', verdict = 'superseded', finished_at = now(), last_event = last_event + 1 where id = :'id';
             select pg_notify('latchkey_verifications', :'id')`,
    id,
  });
  await ended;
  await heading(page, "Superseded");
  await look(page, "verify-superseded");

  await customer.run("sql", { script: "update tenants set offboarded_at = now() from verifications v where v.tenant_id = tenants.id and v.id = :'id'", id });
  assert.equal((await page.goto(verify)).status(), 410);
  await heading(page, "Your storage is disconnected");
  await look(page, "refused-offboarded");
  await look(page, "refused-offboarded", { phone: true });
  await page.getByText("Use the AWS CLI instead").first().click();
  assert.match(await copied(page, "command-1"), /^for policy in|^aws s3api/);
});
