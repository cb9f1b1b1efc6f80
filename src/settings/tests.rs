use clap::Parser;
use rstest::rstest;
use secrecy::ExposeSecret;

use super::*;
use crate::app::AppSettings;

#[derive(Debug, Parser)]
struct All {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    server: ServerSettings,
}

/// Reads these flags after valid ones, and ignores the environment.
fn read(flags: &[&str]) -> Result<AppSettings, String> {
    let valid = [
        "latchkey",
        "--storage-role-arn=arn:aws:iam::111111111111:role/storage",
        "--database-url=postgres://latchkey@127.0.0.1/latchkey",
    ];
    read_only(&[&valid, flags].concat())
}

fn read_only(args: &[&str]) -> Result<AppSettings, String> {
    let args = args.iter().map(Into::into);
    let All { settings, server } = parse::parse_ignoring(args, |_| true).map_err(|error| error.to_string())?;
    AppSettings::new(settings, Some(server)).map_err(|errors| errors.to_string())
}

#[rstest]
#[case("--direct-role-arn=storage", "LATCHKEY_DIRECT_ROLE_ARN: ")]
#[case(
    "--direct-role-arn=arn:aws-cn:iam::111111111111:role/direct",
    "LATCHKEY_DIRECT_ROLE_ARN: must be in the same partition"
)]
#[case(
    "--cloudformation-url=http://b.s3.eu-central-1.amazonaws.com/x.yaml",
    "LATCHKEY_CLOUDFORMATION_URL: must be the https URL"
)]
#[case(
    "--cloudformation-url=https://vendor.example/x.yaml",
    "LATCHKEY_CLOUDFORMATION_URL: must be the https URL"
)]
#[case(
    "--cloudformation-url=https://b.s3.cn-north-1.amazonaws.com.cn/x.yaml",
    "LATCHKEY_CLOUDFORMATION_URL: must be the https URL"
)]
#[case("--cloudformation-url=template", "LATCHKEY_CLOUDFORMATION_URL: ")]
#[case("--client-role-prefix=a b", "LATCHKEY_CLIENT_ROLE_PREFIX: ")]
#[case(
    "--advisory-checks=object-readable,nonsense",
    "LATCHKEY_ADVISORY_CHECKS: there is no check named \"nonsense\""
)]
#[case(
    "--advisory-checks=role-requires-external-id",
    "LATCHKEY_ADVISORY_CHECKS: role-requires-external-id is always required"
)]
#[case("--posture=maybe", "LATCHKEY_POSTURE: \"maybe\" is neither true nor false")]
#[case("--extra-actions=s3:*", "LATCHKEY_EXTRA_ACTIONS: \"s3:*\" has a wildcard; name each action")]
#[case(
    "--extra-actions=s3:GetObjectTagging,s3:PutBucketPolicy",
    "LATCHKEY_EXTRA_ACTIONS: with s3:PutBucketPolicy, you could change who has access"
)]
#[case(
    "--extra-actions=s3:GetObjectTagging,s3:PutObjectTagging,s3:DeleteObjectTagging,s3:GetObjectAttributes,s3:GetObjectAcl,s3:ListBucketVersions,\
     s3:ListBucketMultipartUploads,s3:GetBucketLocation,s3:GetBucketVersioning,s3:GetBucketTagging,s3:GetBucketCORS,s3:GetBucketAcl,kms:ListGrants",
    "LATCHKEY_EXTRA_ACTIONS: names 13 actions"
)]
#[case("--extra-regions=Frankfurt", "LATCHKEY_EXTRA_REGIONS: ")]
#[case(
    "--network-source-ips=office",
    "LATCHKEY_NETWORK_SOURCE_IPS: \"office\" is neither an IP address nor a network"
)]
#[case(
    "--network-source-ips=52.57.10.20,10.0.0.1",
    "LATCHKEY_NETWORK_SOURCE_IPS: 10.0.0.1 is not a public address"
)]
#[case("--network-source-ips=0.0.0.0/0", "LATCHKEY_NETWORK_SOURCE_IPS: 0.0.0.0/0 is not a public address")]
#[case("--network-source-ips=::/0", "LATCHKEY_NETWORK_SOURCE_IPS: ::/0 is not a public address")]
#[case(
    "--network-vpc-endpoints=vpc-0123456789abcdef0",
    "LATCHKEY_NETWORK_VPC_ENDPOINTS: \"vpc-0123456789abcdef0\" is not the ID"
)]
#[case("--network-org-id=r-a1b2", "LATCHKEY_NETWORK_ORG_ID: \"r-a1b2\" is not the ID of an organization")]
#[case(
    "--network-outside-proxy=http://proxy.vendor.example:3128",
    "LATCHKEY_NETWORK_OUTSIDE_PROXY: set, but the network"
)]
#[case(
    "--network-outside-proxy=socks5://proxy.vendor.example",
    "LATCHKEY_NETWORK_OUTSIDE_PROXY: does not start with http://"
)]
#[case(
    "--network-outside-proxy=http://ops@proxy.vendor.example",
    "LATCHKEY_NETWORK_OUTSIDE_PROXY: has a user name without a password"
)]
#[case(
    "--network-outside-proxy=http://proxy.vendor.example/path",
    "LATCHKEY_NETWORK_OUTSIDE_PROXY: must not have a path"
)]
#[case("--public-listen=8080", "LATCHKEY_PUBLIC_LISTEN: \"8080\" is not an IP address and a port")]
#[case(
    "--private-listen=127.0.0.1:8080",
    "LATCHKEY_PRIVATE_LISTEN: must differ from LATCHKEY_PUBLIC_LISTEN"
)]
#[case("--public-url=ftp://x", "LATCHKEY_PUBLIC_URL: must be an https URL")]
#[case("--public-url=http://storage.vendor.example", "LATCHKEY_PUBLIC_URL: must be an https URL")]
#[case("--public-url=https://x/y", "LATCHKEY_PUBLIC_URL: must not have a path")]
#[case("--trusted-proxies=10.0.0.0/8,proxy", "LATCHKEY_TRUSTED_PROXIES: \"proxy\" is neither")]
#[case("--vendor-logo=/etc/passwd", "LATCHKEY_VENDOR_LOGO: /etc/passwd is not an image file")]
#[case("--vendor-logo=/nowhere/logo.svg", "LATCHKEY_VENDOR_LOGO: /nowhere/logo.svg cannot be read")]
#[case("--vendor-color=blue", "LATCHKEY_VENDOR_COLOR: \"blue\" is not a color")]
#[case("--oidc-issuer=http://login.vendor.example", "LATCHKEY_OIDC_ISSUER: must be an https URL")]
#[case("--oidc-issuer=https://login.vendor.example?x=1", "LATCHKEY_OIDC_ISSUER: must not have a query")]
#[case(
    "--oidc-issuer=https://u:hunter2@login.vendor.example",
    "LATCHKEY_OIDC_ISSUER: must not contain a user name"
)]
#[case("--oidc-issuer=https://login.vendor.example", "LATCHKEY_OIDC_AUDIENCE: not set")]
#[case("--oidc-audience=latchkey", "LATCHKEY_OIDC_ISSUER: not set")]
#[case("--oidc-roles-claim=a b", "LATCHKEY_OIDC_ROLES_CLAIM: must not be empty")]
#[case("--oidc-roles=admins", "LATCHKEY_OIDC_ROLES: \"admins\" must have the form value=role")]
#[case("--oidc-roles==admin", "LATCHKEY_OIDC_ROLES: \"=admin\" must have the form value=role")]
#[case("--oidc-roles=admins=emperor", "LATCHKEY_OIDC_ROLES: \"emperor\" is not a role")]
#[case("--oidc-jwks-url=http://login.vendor.example/keys", "LATCHKEY_OIDC_JWKS_URL: must be an https URL")]
#[case("--oidc-header=a b", "LATCHKEY_OIDC_HEADER: \"a b\" is not a header name")]
#[case("--oidc-header=Cookie", "LATCHKEY_OIDC_HEADER: Cookie is reserved")]
#[case("--oidc-tenants-claim=a b", "LATCHKEY_OIDC_TENANTS_CLAIM: must not be empty")]
#[case("--oidc-service-all-tenants=some", "LATCHKEY_OIDC_SERVICE_ALL_TENANTS: \"some\" is neither")]
#[case("--oidc-max-age=10s", "LATCHKEY_OIDC_MAX_AGE: 10s is out of range")]
#[case("--oidc-id-tokens=yes", "LATCHKEY_OIDC_ID_TOKENS: \"yes\" is neither")]
#[case("--stale-for=a day", "LATCHKEY_STALE_FOR: ")]
#[case("--max-versions-per-day=0", "LATCHKEY_MAX_VERSIONS_PER_DAY: 0 is out of range")]
#[case("--max-versions=many", "LATCHKEY_MAX_VERSIONS: \"many\" is not a whole number")]
#[case("--slug-reservation-days=-1", "LATCHKEY_SLUG_RESERVATION_DAYS: \"-1\" is not a whole number")]
#[case("--token-max-lifetime-days=36501", "LATCHKEY_TOKEN_MAX_LIFETIME_DAYS: 36501 is out of range")]
#[case("--webhook-key=hunter2", "LATCHKEY_WEBHOOK_KEY: ")]
#[case("--webhook-allow=10.0.0.0/8,intranet", "LATCHKEY_WEBHOOK_ALLOW: \"intranet\" is neither")]
#[case("--smtp-url=hunter2", "LATCHKEY_SMTP_URL: not a URL")]
#[case("--smtp-url=http://u:hunter2@relay", "LATCHKEY_SMTP_URL: does not start with smtps://")]
#[case("--smtp-url=smtps://", "LATCHKEY_SMTP_URL: has no host")]
#[case("--smtp-url=smtps://u:hunter2@relay/x?tls=none", "LATCHKEY_SMTP_URL: must not have a path")]
#[case("--smtp-url=smtps://relay.example", "LATCHKEY_MAIL_FROM: not set, but LATCHKEY_SMTP_URL is")]
#[case("--mail-from=storage@vendor.example", "LATCHKEY_SMTP_URL: not set, but LATCHKEY_MAIL_FROM is")]
#[case("--mail-from=Vendor", "LATCHKEY_MAIL_FROM: \"Vendor\" is not a sender")]
#[case("--smtp-ca=/nowhere/ca.pem", "LATCHKEY_SMTP_CA: /nowhere/ca.pem cannot be read")]
#[case("--worker-concurrency=0", "LATCHKEY_WORKER_CONCURRENCY: 0 is out of range")]
#[case("--verification-retention=30d", "LATCHKEY_VERIFICATION_RETENTION: 30d is out of range")]
#[case("--delivery-retention=forever", "LATCHKEY_DELIVERY_RETENTION: \"forever\" is not a duration")]
#[case("--audit-retention=364d", "LATCHKEY_AUDIT_RETENTION: 364d is out of range")]
#[case("--audit-retention=0s", "LATCHKEY_AUDIT_RETENTION: 0s is out of range")]
#[case("--worker-lost-after=soon", "LATCHKEY_WORKER_LOST_AFTER: ")]
#[case("--worker-lost-after=1ms", "LATCHKEY_WORKER_LOST_AFTER: 1ms is too short")]
#[case("--propagation-window=90", "LATCHKEY_PROPAGATION_WINDOW: ")]
#[case("--log-format=xml", "LATCHKEY_LOG_FORMAT: \"xml\" is neither text nor json")]
#[case("--log=a=b=c", "LATCHKEY_LOG: ")]
#[case("--otlp-endpoint=collector:4318", "LATCHKEY_OTLP_ENDPOINT: must be an http or https URL")]
#[case("--otlp-endpoint=4318", "LATCHKEY_OTLP_ENDPOINT: ")]
#[case("--otlp-sample=half", "LATCHKEY_OTLP_SAMPLE: \"half\" is not a number")]
#[case("--otlp-sample=10", "LATCHKEY_OTLP_SAMPLE: 10 is out of range")]
#[case("--public-connections=0", "LATCHKEY_PUBLIC_CONNECTIONS: 0 is out of range")]
#[case(
    "--private-tls-key=/etc/key",
    "LATCHKEY_PRIVATE_TLS_CERT: not set, but LATCHKEY_PRIVATE_TLS_KEY is"
)]
#[case("--public-tls-cert=/etc/cert", "LATCHKEY_PUBLIC_TLS_KEY: not set, but LATCHKEY_PUBLIC_TLS_CERT is")]
#[case(
    "--private-tls-client-ca=/etc/ca",
    "LATCHKEY_PRIVATE_TLS_CERT: not set, but LATCHKEY_PRIVATE_TLS_CLIENT_CA is"
)]
#[case("--database-connections=1", "LATCHKEY_DATABASE_CONNECTIONS: 1 is out of range")]
fn a_wrong_setting_is_reported_in_one_line_with_an_example(#[case] flag: &str, #[case] start: &str) {
    let line = read(&[flag]).err().expect("an error");
    assert!(line.starts_with(start), "{line}");
    assert!(line.contains("; expected ") && line.contains(", for example "), "{line}");
    assert!(!line.contains('\n') && !line.contains("hunter2"), "{line}");
}

#[test]
fn a_wrong_database_url_is_not_quoted() {
    let line = read_only(&["latchkey", "--database-url=mysql://root:hunter2@db/x"])
        .err()
        .expect("an error");
    assert!(
        line.starts_with("DATABASE_URL: does not start with postgres://; expected a Postgres URL"),
        "{line}"
    );
    assert!(!line.contains("hunter2"), "{line}");
}

#[test]
fn every_wrong_setting_is_reported_at_once() {
    let lines = read(&["--log-format=xml", "--stale-for=long", "--posture=maybe"])
        .err()
        .expect("an error");
    let variables: Vec<&str> = lines.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(variables.len(), 3, "{lines}");
    for variable in ["LATCHKEY_LOG_FORMAT", "LATCHKEY_STALE_FOR", "LATCHKEY_POSTURE"] {
        assert!(variables.contains(&variable), "{lines}");
    }

    let lines = read_only(&["latchkey", "--private-listen=127.0.0.1:8080"]).err().expect("an error");
    let variables: Vec<&str> = lines.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(variables, ["DATABASE_URL", "LATCHKEY_STORAGE_ROLE_ARN", "LATCHKEY_PRIVATE_LISTEN"]);
}

#[test]
fn the_defaults_are_valid() {
    let settings = read(&[]).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(settings.worker.is_some() && settings.serve.unwrap().identity_provider.is_none());
}

#[test]
fn all_tenants_and_a_claim_of_tenants_exclude_each_other() {
    let line = read(&[
        "--oidc-issuer=https://login.vendor.example",
        "--oidc-audience=latchkey",
        "--oidc-tenants-claim=tenants",
        "--oidc-service-all-tenants",
    ])
    .err()
    .expect("an error");
    assert!(
        line.starts_with("LATCHKEY_OIDC_SERVICE_ALL_TENANTS: true, but LATCHKEY_OIDC_TENANTS_CLAIM is set"),
        "{line}"
    );
}

#[test]
fn white_space_around_values_is_ignored() {
    let flags = [
        "--oidc-issuer= https://login.vendor.example ",
        "--oidc-audience=latchkey, dashboard",
        "--oidc-roles=cn=admins=admin, on-call = ops",
        "--trusted-proxies= 10.1.2.3/8 ",
        "--no-worker",
    ];
    let settings = read(&flags).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(settings.worker.is_none());
    let serve = settings.serve.unwrap();
    assert_eq!(serve.web.trusted_proxies, ["10.0.0.0/8".parse().unwrap()]);
    let provider = serve.identity_provider.unwrap();
    assert_eq!(provider.issuer, "https://login.vendor.example");
    assert_eq!(provider.audiences, ["latchkey", "dashboard"]);
    assert_eq!(provider.roles.mapping.unwrap().len(), 2);
}

#[rstest]
#[case(&["--smtp-url=smtps://storage@relay.example"], "LATCHKEY_SMTP_URL: has a user name but no password")]
#[case(&["--smtp-url=smtps://relay.example", "--smtp-password=hunter2"], "LATCHKEY_SMTP_URL: has no user name")]
#[case(&["--smtp-url=smtps://relay.example", "--public-listen=0.0.0.0:8080"], "LATCHKEY_PUBLIC_URL: not set, but LATCHKEY_SMTP_URL is")]
fn incomplete_mail_settings_are_reported(#[case] flags: &[&str], #[case] start: &str) {
    let line = read(&[flags, &["--mail-from=storage@vendor.example"]].concat())
        .err()
        .expect("an error");
    assert!(line.starts_with(start), "{line}");
    assert!(
        line.contains("; expected ") && !line.contains('\n') && !line.contains("hunter2"),
        "{line}"
    );
}

#[rstest]
#[case(&["--smtp-url=smtp://127.0.0.1:2525"])]
#[case(&["--smtp-url=smtp://u:p%40ss@relay.example:25"])]
#[case(&["--smtp-url=smtps://storage@relay.example", "--smtp-password=hunter2"])]
fn mail_is_on_with_a_relay_and_a_sender(#[case] flags: &[&str]) {
    let settings = read(&[flags, &["--mail-from=Vendor <storage@vendor.example>"]].concat()).unwrap_or_else(|errors| panic!("{errors}"));
    let (policy, mailer) = settings.mail.expect("mail is on");
    assert_eq!(policy.links.as_str(), "http://127.0.0.1:8080/");
    let shown = format!("{mailer:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("p@ss"), "{shown}");
    assert!(read(&[]).unwrap_or_else(|errors| panic!("{errors}")).mail.is_none());
}

#[rstest]
#[case(&[], &[])]
#[case(&["--database-url=postgres://l@%2Frun%2Fpostgresql/l"], &[])]
#[case(&["--database-url=postgres://l@db.internal/l?sslmode=verify-full"], &[])]
#[case(&["--database-url=postgres://l@db.internal/l"], &["DATABASE_URL"])]
#[case(&["--database-url=postgres://l@10.0.0.9/l?sslmode=require"], &["DATABASE_URL"])]
#[case(&["--public-listen=0.0.0.0:8080"], &["LATCHKEY_PUBLIC_LISTEN"])]
#[case(&["--public-listen=[::]:8080", "--private-listen=10.0.0.5:8081"], &["LATCHKEY_PUBLIC_LISTEN", "LATCHKEY_PRIVATE_LISTEN"])]
fn unprotected_connections_cause_warnings(#[case] flags: &[&str], #[case] expected: &[&str]) {
    let valid = ["latchkey", "--storage-role-arn=arn:aws:iam::111111111111:role/storage"];
    let database = ["--database-url=postgres://latchkey@127.0.0.1/latchkey"];
    let database: &[&str] = if flags.iter().any(|flag| flag.starts_with("--database-url")) {
        &[]
    } else {
        &database
    };
    let settings = read_only(&[&valid, database, flags].concat()).unwrap_or_else(|errors| panic!("{errors}"));
    let warnings: Vec<String> = settings.warnings().iter().map(ToString::to_string).collect();
    let named: Vec<&str> = warnings.iter().filter_map(|warning| warning.split(':').next()).collect();
    assert_eq!(named, expected, "{warnings:?}");
}

#[test]
fn the_network_is_an_alternative_of_addresses_and_endpoints() {
    let none = read(&[]).unwrap();
    assert!(none.vendor.network.is_none() && none.outside_proxy.is_none());
    let both = read(&[
        "--network-source-ips=52.57.10.20, 52.57.10.39/28",
        "--network-vpc-endpoints=vpce-0123456789abcdef0",
        "--network-outside-proxy=http://ops:s%2Fcret@proxy.vendor.example:3128",
    ])
    .unwrap();
    assert!(both.vendor.probes_network());
    let network = both.vendor.network.unwrap();
    let addresses: Vec<String> = network.source_ips.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["52.57.10.20/32", "52.57.10.32/28"]);
    assert_eq!(network.origins().len(), 3);
    let proxy = both.outside_proxy.unwrap();
    assert_eq!(proxy.url.as_str(), "http://proxy.vendor.example:3128/");
    let (user, password) = proxy.login.clone().unwrap();
    assert_eq!((user.as_str(), password.expose_secret()), ("ops", "s/cret"));
    assert!(!format!("{proxy:?}").contains("cret"));

    let refused = |flags: &[&str]| read(flags).err().unwrap();
    let both = refused(&["--network-org-id=o-a1b2c3d4e5", "--network-vpc-endpoints=vpce-0123456789abcdef0"]);
    assert!(
        both.starts_with("LATCHKEY_NETWORK_ORG_ID: LATCHKEY_NETWORK_VPC_ENDPOINTS is set as well"),
        "{both}"
    );
    let many: Vec<String> = (0..33).map(|last| format!("52.57.10.{last}")).collect();
    let many = refused(&[&format!("--network-source-ips={}", many.join(","))]);
    assert!(
        many.starts_with("LATCHKEY_NETWORK_SOURCE_IPS: 33 networks and endpoints, but 32 is the most"),
        "{many}"
    );
    let secret = refused(&["--network-outside-proxy=http://ops:secret@[proxy"]);
    assert!(
        secret.starts_with("LATCHKEY_NETWORK_OUTSIDE_PROXY: not a URL") && !secret.contains("secret"),
        "{secret}"
    );
}
