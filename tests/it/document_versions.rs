//! Versions of the documents: which number they get, and which tenants were verified against which.

use std::collections::BTreeSet;
use std::sync::Arc;

use latchkey::domain::arn::RoleArn;
use latchkey::domain::vendor::Vendor;
use latchkey::service::Context;
use latchkey::service::document_versions::{IssuedDocuments, current};
use serde_json::{Value, json};

use crate::support::cli::{run, text};
use crate::support::pages::{client, posting, read};
use crate::support::seed::Seed;
use crate::support::server::TestServer;

/// The vendor of the next release, whose documents grant more.
pub fn with_posture(server: &TestServer) -> Vendor {
    Vendor {
        posture: true,
        ..server.context.vendor.as_ref().clone()
    }
}

async fn versions(server: &TestServer) -> Value {
    server.get("/v1/document-versions").await.expect(200)
}

async fn documents(server: &TestServer, slug: &str) -> Value {
    server.get(&format!("/v1/tenants/{slug}")).await.expect(200)["documents"].clone()
}

async fn slugs(server: &TestServer, query: &str) -> Vec<String> {
    let listed = server.get(&format!("/v1/tenants?{query}")).await.expect(200);
    let items = listed["items"].as_array().unwrap();
    items.iter().map(|tenant| tenant["slug"].as_str().unwrap().to_owned()).collect()
}

/// The numbers of the processes do not change while both releases run, nor when the update is rolled back.
#[tokio::test]
async fn other_documents_get_the_next_number_and_known_ones_keep_theirs() {
    let old = TestServer::start().await;
    let first = versions(&old).await;
    assert_eq!((&first["current"], &first["items"][0]["changes"]), (&json!(1), &json!([])));

    let new = old.replica().vendor(with_posture(&old)).start().await;
    let listed = versions(&new).await;
    assert_eq!(listed["current"], 2);
    let summaries: Vec<&str> = listed["items"][0]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["summary"].as_str().unwrap())
        .collect();
    // In assume_role and direct, with each access.
    assert_eq!(summaries.len(), 2 * 2 + 2, "{summaries:?}");
    let allowed = "s3:GetBucketLogging, s3:GetBucketOwnershipControls and s3:GetBucketPublicAccessBlock";
    assert_eq!(
        summaries[0],
        format!("adds the statement LatchkeyPosture to the bucket policy, which allows {allowed}")
    );

    let of_old = versions(&old).await;
    assert_eq!((&of_old["current"], &of_old["items"][0]["is_current"]), (&json!(1), &json!(false)));
    let rolled_back = old.replica().start().await;
    assert_eq!(versions(&rolled_back).await["current"], 1);
    assert_eq!(versions(&new).await["current"], 2);
}

/// A tenant that was verified against later documents in the meantime may lack what earlier ones have.
#[tokio::test]
async fn documents_that_are_issued_again_later_get_a_new_number() {
    let old = TestServer::start().await;
    assert_eq!(versions(&old).await["current"], 1);
    let new = old.replica().vendor(with_posture(&old)).start().await;
    assert_eq!(versions(&new).await["current"], 2);
    Seed::new(&new).active("acme").await;
    sqlx::query("update document_versions set first_seen_at = first_seen_at - interval '2 days'")
        .execute(&old.pool)
        .await
        .unwrap();
    let again = old.replica().start().await;
    assert_eq!(versions(&again).await["current"], 3);
    let acme = documents(&again, "acme").await;
    assert_eq!((&acme["verified_version"], &acme["is_outdated"]), (&json!(2), &json!(true)));
    assert_eq!(slugs(&again, "documents=outdated").await, ["acme"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_once_agree_on_the_numbers() {
    let server = TestServer::start().await;
    let own = server.context.vendor.as_ref().clone();
    let vendors: Vec<Vendor> = ["a", "b", "c"]
        .iter()
        .map(|name| Vendor {
            direct_role: Some(RoleArn::parse(&format!("arn:aws:iam::111111111111:role/{name}")).unwrap()),
            ..own.clone()
        })
        .collect();
    let starts = (0..12).map(|process| {
        let vendor = vendors[process % 3].clone();
        let context = Context {
            documents: Arc::new(IssuedDocuments::of(&vendor)),
            vendor: Arc::new(vendor),
            ..server.context.clone()
        };
        async move { (process % 3, current(&context).await.unwrap().number) }
    });
    let numbers: BTreeSet<(usize, i32)> = futures::future::join_all(starts).await.into_iter().collect();
    assert_eq!(numbers.len(), 3, "the same documents have the same number: {numbers:?}");
    let distinct: BTreeSet<i32> = numbers.iter().map(|(_, number)| *number).collect();
    assert_eq!(distinct, BTreeSet::from([1, 2, 3]));
}

#[tokio::test]
async fn tenants_are_found_by_the_documents_that_they_were_verified_against() {
    let old = TestServer::start().await;
    Seed::new(&old).active("acme").await;
    let new = old.replica().vendor(with_posture(&old)).start().await;
    assert_eq!(versions(&new).await["current"], 2);
    let seed = Seed::new(&new);
    seed.active("globex").await;
    seed.tenant("initech").await;

    let acme = documents(&new, "acme").await;
    let known = |documents: &Value| {
        ["issued_version", "verified_version", "current_version", "is_outdated"].map(|member| documents[member].clone())
    };
    assert_eq!(known(&acme), [json!(1), json!(1), json!(2), json!(true)]);
    assert!(acme["verified_at"].is_string());
    assert_eq!(
        known(&documents(&new, "globex").await),
        [json!(2), json!(2), json!(2), json!(false)]
    );
    assert_eq!(documents(&new, "initech").await, Value::Null);
    assert_eq!(known(&documents(&old, "acme").await), [json!(1), json!(1), json!(1), json!(false)]);

    assert_eq!(slugs(&new, "documents=outdated").await, ["acme"]);
    assert_eq!(slugs(&old, "documents=outdated").await, Vec::<String>::new());
    assert_eq!(slugs(&new, "document_version_below=2").await, ["acme"]);
    assert_eq!(slugs(&new, "document_version_below=3").await, ["globex", "acme"]);
    for (query, error) in [
        ("documents=old", "documents unknown_documents"),
        ("documents=outdated&document_version_below=2", "documents conflict"),
        ("document_version_below=0", "document_version_below out_of_range"),
    ] {
        let refused = new.get(&format!("/v1/tenants?{query}")).await;
        let errors: Vec<String> = refused.errors().iter().map(|(field, code)| format!("{field} {code}")).collect();
        assert_eq!((refused.status, errors), (422, vec![error.to_owned()]), "{query}");
    }

    let listed = versions(&new).await;
    assert_eq!((&listed["outdated_tenants"], &listed["unverified_tenants"]), (&json!(1), &json!(0)));
    let counts: Vec<(&Value, &Value)> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (&item["version"], &item["verified_tenants"]))
        .collect();
    assert_eq!(counts, [(&json!(2), &json!(1)), (&json!(1), &json!(1))]);
    let out = run(&["tenant", "list", "--outdated-documents"], &new).await;
    let printed = text(&out.stdout);
    assert!(printed.contains("acme") && !printed.contains("globex"), "{printed}");
    let printed = text(&run(&["tenant", "show", "acme"], &new).await.stdout);
    assert!(printed.contains("documents verified against"), "{printed}");
}

/// A version that changes the documents of one mode requires nothing of those who use the other one.
#[tokio::test]
async fn tenants_of_a_mode_whose_documents_stay_the_same_are_not_outdated() {
    let old = TestServer::start().await;
    Seed::new(&old).active("acme").await;
    let vendor = Vendor {
        storage_role: Some(RoleArn::parse("arn:aws:iam::111111111111:role/another").unwrap()),
        ..old.context.vendor.as_ref().clone()
    };
    let new = old.replica().vendor(vendor).start().await;
    assert_eq!(versions(&new).await["current"], 2);
    let acme = documents(&new, "acme").await;
    assert_eq!((&acme["verified_version"], &acme["is_outdated"]), (&json!(1), &json!(false)));
    assert_eq!(slugs(&new, "documents=outdated").await, Vec::<String>::new());
    assert_eq!(versions(&new).await["outdated_tenants"], 0);
}

/// What was not verified is not claimed: a rejected version has issued documents alone.
#[tokio::test]
async fn a_rejected_version_was_issued_documents_and_is_verified_against_none() {
    let server = TestServer::start().await;
    let seed = Seed::new(&server);
    let tenant = seed.tenant("acme").await;
    let (_, verification) = seed.try_submit(tenant).await.unwrap();
    seed.reject(verification).await;
    let acme = documents(&server, "acme").await;
    assert_eq!((&acme["issued_version"], &acme["verified_version"]), (&json!(1), &Value::Null));
    assert_eq!(
        slugs(&server, "documents=outdated").await,
        Vec::<String>::new(),
        "nothing is in use"
    );
}

#[tokio::test]
async fn documents_are_issued_with_their_number() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let path = "/v1/tenants/acme/templates";
    let issued = server.get(path).await.expect(200);
    assert_eq!(issued["document_version"], 1);
    let other = server.get(&format!("{path}?posture=true")).await.expect(200);
    assert_eq!(other["document_version"], Value::Null, "these are not the vendor's documents");
    for (format, mark) in [
        ("cloudformation", "DocumentVersion: 1"),
        ("terraform", "# Version 1 of the documents.\n"),
        ("cli", "#!/bin/sh\n# Version 1 of the documents.\n"),
    ] {
        let file = server.get(&format!("{path}?format={format}")).await.expect(200);
        assert!(file.as_str().unwrap().contains(mark), "{format}: {}", file.as_str().unwrap());
        let other = server.get(&format!("{path}?format={format}&posture=true")).await.expect(200);
        assert!(!other.as_str().unwrap().contains(mark), "{format}");
    }
}

#[tokio::test]
async fn operators_see_the_versions_on_the_dashboard() {
    let old = TestServer::start().await;
    Seed::new(&old).active("acme").await;
    let new = old.replica().vendor(with_posture(&old)).start().await;
    let http = client();
    let signed_in = read(posting(http.post(format!("{}/sign-in", new.private)), &[("token", &new.token)])).await;
    let cookie = signed_in.cookie("latchkey-dashboard").expect("a session");
    let page = async |path: &str| {
        read(http.get(format!("{}{path}", new.private)).header("cookie", &cookie))
            .await
            .html
    };
    let versions = page("/document-versions").await;
    for part in [
        "Version 2 is current.",
        "1 tenant</a>",
        "adds the statement LatchkeyPosture",
        "Mail is off",
    ] {
        assert!(versions.contains(part), "{part}: {versions}");
    }
    let tenant = page("/tenants/acme").await;
    assert!(
        tenant.contains("Outdated") && tenant.contains("Documents verified against"),
        "{tenant}"
    );
    let listed = page("/tenants?documents=outdated").await;
    assert!(listed.contains("/tenants/acme"), "{listed}");
}
