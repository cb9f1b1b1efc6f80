//! `./dev/bench verify`: the duration of a verification when every AWS call takes 50 ms, compared to the sum of its waves and to
//! the same calls made one after another with the AWS CLI.

#[path = "../tests/recorded_aws/mod.rs"]
mod recorded_aws;

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region as AwsRegion};
use aws_credential_types::Credentials;
use latchkey::clock::{SharedClock, SystemClock};
use latchkey::cloud::aws::{self, AwsCloud, AwsOptions};
use latchkey::domain::storage_config::Mode;
use latchkey::domain::vendor::Vendor;
use latchkey::domain::verification::Verdict;
use latchkey::verifier;
use recorded_aws::{BUCKET, CLIENT_ROLE, EXTERNAL_ID, KEY, REGION, RecordedAws, VENDOR_ROLE, served, subject};
use tokio::net::TcpListener;
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

const LATENCY: Duration = Duration::from_millis(50);
const RUNS: usize = 21;

#[tokio::main]
async fn main() {
    let calls = Arc::new(AtomicUsize::new(0));
    let endpoint = serve(calls.clone()).await;
    println!("Every call of AWS takes {} ms; median of {RUNS} runs.\n", LATENCY.as_millis());
    println!("| mode | | waves | calls | took | took / (waves × {} ms) |", LATENCY.as_millis());
    println!("| --- | --- | --- | --- | --- | --- |");
    for mode in [Mode::AssumeRole, Mode::Direct] {
        let warm = connect(&endpoint).await;
        run(&warm, mode).await;
        for (state, shared) in [("cold", None), ("warm", Some(&warm))] {
            let mut times = Vec::new();
            let mut made = 0;
            for _ in 0..RUNS {
                let before = calls.load(Ordering::Relaxed);
                let own;
                let aws = if let Some(warm) = shared {
                    warm
                } else {
                    own = connect(&endpoint).await;
                    &own
                };
                times.push(run(aws, mode).await);
                made = calls.load(Ordering::Relaxed) - before;
            }
            times.sort();
            // The vendor's own session exists already when the process is warm; in `direct` the tagged one never is.
            let waves: u32 = if mode == Mode::AssumeRole && shared.is_some() { 4 } else { 5 };
            let took = times[times.len() / 2];
            println!(
                "| `{mode}` | {state} | {waves} | {made} | {:.0} ms | {:.2} |",
                took.as_secs_f64() * 1000.0,
                took.as_secs_f64() / (LATENCY * waves).as_secs_f64()
            );
        }
    }
    println!();
    match std::env::var("LATCHKEY_BENCH_AWS_CLI") {
        Ok(cli) => compare_with_cli(&cli, &endpoint).await,
        Err(_) => println!("Without LATCHKEY_BENCH_AWS_CLI there is no compare_with_cli."),
    }
}

async fn connect(endpoint: &str) -> AwsCloud {
    let config = aws::with_defaults(aws_config::defaults(BehaviorVersion::latest()))
        .region(AwsRegion::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("AKIAPROCESS", "secret", None, None, "bench"))
        .load()
        .await;
    AwsCloud::from_config(&config, AwsOptions { s3_path_style: true }, clock())
}

fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

#[expect(clippy::disallowed_methods, reason = "this is what is measured")]
fn now() -> Instant {
    Instant::now()
}

async fn run(aws: &AwsCloud, mode: Mode) -> Duration {
    let subject = subject(mode);
    let (found, _findings) = unbounded_channel();
    let begun = now();
    let report = verifier::run(
        aws,
        &clock(),
        &Vendor::unnamed(),
        &subject,
        &recorded_aws::Endless,
        found,
        &CancellationToken::new(),
    )
    .await;
    let took = begun.elapsed();
    assert_eq!(Verdict::of(&report.findings), Verdict::Verified, "{:#?}", report.findings);
    took
}

async fn serve(calls: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("the listener has an address"));
    let router = served::router(RecordedAws::right(), LATENCY, calls);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// The manual alternative: the AWS CLI, one call after another.
async fn compare_with_cli(cli: &str, endpoint: &str) {
    let folder = std::env::temp_dir().join(format!("latchkey-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder is made");
    let body = folder.join("body");
    std::fs::write(&body, [7; 64]).expect("a file is written");
    for mode in [Mode::AssumeRole, Mode::Direct] {
        let script = cli_commands(mode, &body.to_string_lossy(), &folder.join("out").to_string_lossy());
        let (cli, endpoint) = (cli.to_owned(), endpoint.to_owned());
        let count = script.len();
        let took = tokio::task::spawn_blocking(move || {
            let begun = now();
            for (who, line) in &script {
                let called = Command::new(&cli)
                    .args(["--endpoint-url", &endpoint, "--region", REGION, "--no-cli-pager"])
                    .args(line.split(' '))
                    .env("AWS_ACCESS_KEY_ID", who)
                    .env("AWS_SECRET_ACCESS_KEY", "secret")
                    .env("AWS_MAX_ATTEMPTS", "1")
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status();
                // Denied calls and dry runs have nonzero exit codes, so only starting the CLI must succeed.
                called.expect("the AWS CLI starts");
            }
            begun.elapsed()
        });
        let took = took.await.expect("the script ends");
        println!(
            "The AWS CLI, one call after another, `{mode}`: {count} calls, {:.1} s.",
            took.as_secs_f64()
        );
    }
    let _ = std::fs::remove_dir_all(&folder);
}

fn cli_commands(mode: Mode, body: &str, out: &str) -> Vec<(&'static str, String)> {
    const OWN: &str = "AKIAPROCESS";
    const TENANT: &str = "ASIATENANT";
    const UNAUTHORIZED: &str = "ASIAUNAUTHORIZED";
    let assume = |role: &str, more: &str| format!("sts assume-role --role-arn {role} --role-session-name by-hand{more}");
    let mut script = match mode {
        Mode::AssumeRole => vec![
            (OWN, assume(VENDOR_ROLE, "")),
            (UNAUTHORIZED, assume(CLIENT_ROLE, &format!(" --external-id {EXTERNAL_ID}"))),
            (UNAUTHORIZED, assume(CLIENT_ROLE, "")),
            (UNAUTHORIZED, assume(CLIENT_ROLE, " --external-id lk-made-up")),
        ],
        Mode::Direct => vec![
            (
                OWN,
                assume(VENDOR_ROLE, &format!(" --tags Key=latchkey-external-id,Value={EXTERNAL_ID}")),
            ),
            (OWN, assume(VENDOR_ROLE, "")),
            (OWN, assume(VENDOR_ROLE, " --tags Key=latchkey-external-id,Value=lk-made-up")),
        ],
    };
    let bucket = format!("--bucket {BUCKET} --expected-bucket-owner 222222222222");
    let object = format!("{bucket} --key latchkey-probe/by-hand");
    let key = format!("--key-id {KEY}");
    let list = format!("s3api list-objects-v2 {bucket} --prefix latchkey-probe/ --max-keys 1");
    let get = format!("s3api get-object {object} {out}");
    let restore = format!("s3api restore-object {object} --restore-request Days=1");
    let encrypt = format!("kms encrypt {key} --plaintext YQ==");
    let data_key = format!("kms generate-data-key {key} --key-spec AES_256 --dry-run");
    let decrypt = format!("kms decrypt {key} --ciphertext-blob YQ==");
    let reencrypt = format!("kms re-encrypt --source-key-id {KEY} --destination-key-id {KEY} --ciphertext-blob YQ== --dry-run");
    script.extend(
        [
            format!("s3api head-bucket {bucket}"),
            list.clone(),
            format!("kms describe-key {key}"),
            encrypt.clone(),
            data_key.clone(),
            format!("kms generate-data-key-without-plaintext {key} --key-spec AES_256 --dry-run"),
            format!("s3api put-object {object} --body {body}"),
            decrypt.clone(),
            reencrypt.clone(),
            get.clone(),
            restore.clone(),
        ]
        .map(|line| (TENANT, line)),
    );
    if mode == Mode::Direct {
        let dry = |line: &str| format!("{line} --dry-run");
        for _ in 0..2 {
            script.extend(
                [
                    list.clone(),
                    dry(&encrypt),
                    data_key.clone(),
                    dry(&decrypt),
                    reencrypt.clone(),
                    get.clone(),
                    restore.clone(),
                ]
                .map(|line| (UNAUTHORIZED, line)),
            );
        }
    }
    script.push((TENANT, format!("s3api delete-object {object}")));
    script
}
