//! The clients of docs/credentials.md, run as they are printed there: unmodified SDKs, which put, get, list and delete in the
//! tenant's bucket, and are refused in another tenant's.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use aws_sdk_s3::Client;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use rstest::rstest;

use super::credentials::Stage;
use crate::support::aws::{REGION, unique};
use crate::support::services::tools;

const DOCUMENT: &str = include_str!("../../../docs/credentials.md");

/// The document's blocks of a language, in order.
fn printed(language: &str) -> Vec<&'static str> {
    let mut blocks = DOCUMENT.split("\n```").skip(1).step_by(2);
    let block = |block: &'static str| block.strip_prefix(language).and_then(|rest| rest.strip_prefix('\n'));
    std::iter::from_fn(|| blocks.next()).filter_map(block).collect()
}

/// A vendor's service: the tools first on its path, and only the environment that the page assumes.
struct Service<'a> {
    stage: &'a Stage,
    folder: PathBuf,
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl<'a> Service<'a> {
    fn of(stage: &'a Stage) -> Self {
        let folder = std::env::temp_dir().join(format!("latchkey-clients-{}", unique()));
        std::fs::create_dir_all(&folder).expect("a folder is made");
        Self { stage, folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    /// Runs a script, and gives what it printed. `PROGRAM` is what Python is given.
    async fn run(&self, script: &str, program: &str) -> Output {
        let binary = Path::new(env!("CARGO_BIN_EXE_latchkey")).parent().expect("it is in a folder");
        let tools = tools();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command
            .args(["-euc", script])
            .env_clear()
            .env("PATH", format!("{}:{}:{path}", tools.display(), binary.display()))
            .env("HOME", &self.folder)
            .env("AWS_REGION", REGION)
            .env("AWS_DEFAULT_REGION", REGION)
            .env("AWS_ENDPOINT_URL", &self.stage.world.endpoint)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", self.file("config"))
            .env("LATCHKEY_URL", &self.stage.server.private)
            .env("LATCHKEY_TOKEN", &self.stage.token)
            .env("BUCKET", &self.stage.ours.bucket)
            .env("THEIRS", &self.stage.theirs.bucket)
            .env("TOKEN_FILE", self.file("token"))
            .env("PROGRAM", program)
            .env("TESTS", std::env::current_exe().expect("this runs"));
        tokio::task::spawn_blocking(move || command.output().expect("sh runs"))
            .await
            .unwrap()
    }

    async fn succeeds(&self, script: &str, program: &str) -> String {
        let ran = self.run(script, program).await;
        let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success(), "{script}\n{program}\n{out}{err}");
        out.into_owned()
    }
}

const PYTHON: &str = r#"
import os
import boto3
import botocore.credentials
import botocore.session
from botocore.exceptions import ClientError

def refused(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied", error
    else:
        raise AssertionError(f"{arguments} was allowed")

def works(s3, ours, theirs):
    s3.put_object(Bucket=ours, Key="a/python", Body=b"text")
    assert s3.get_object(Bucket=ours, Key="a/python")["Body"].read() == b"text"
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=ours)["Contents"]] == ["a/python"]
    s3.delete_object(Bucket=ours, Key="a/python")
    refused(s3.put_object, Bucket=theirs, Key="a/python", Body=b"text")
    refused(s3.list_objects_v2, Bucket=theirs)

bucket, theirs = os.environ["BUCKET"], os.environ["THEIRS"]
latchkey_url, latchkey_token = os.environ["LATCHKEY_URL"], os.environ["LATCHKEY_TOKEN"]
"#;
const RUN_PYTHON: &str = "\npython -c \"$PROGRAM\"";

/// With one command of the AWS CLI that lists, as it is printed.
fn cli(list: &str) -> String {
    let aws = list.split(" s3 ls").next().expect("it begins with the program");
    format!(
        "printf text | {aws} s3 cp - \"s3://$BUCKET/cli\"
         test \"$({list} | awk '{{ print $4 }}')\" = cli
         test \"$({aws} s3 cp \"s3://$BUCKET/cli\" -)\" = text
         {aws} s3 rm \"s3://$BUCKET/cli\"
         if printf text | {aws} s3 cp - \"s3://$THEIRS/cli\" 2> \"$HOME/refused\"; then exit 9; fi
         grep -q AccessDenied \"$HOME/refused\""
    )
}

/// Runs this program again, because the SDK reads the environment of its process.
fn rust(name: &str) -> String {
    let (_this_crate, module) = module_path!().split_once("::").expect("this is a module");
    format!("\"$TESTS\" {module}::{name} --exact --ignored | grep '1 passed'")
}

async fn works(s3: &Client) {
    let [ours, theirs] = ["BUCKET", "THEIRS"].map(|name| std::env::var(name).unwrap());
    let put = |bucket: &str| s3.put_object().bucket(bucket).key("rust").body(b"text".to_vec().into()).send();
    put(&ours).await.unwrap();
    let read = s3.get_object().bucket(&ours).key("rust").send().await.unwrap();
    assert_eq!(&read.body.collect().await.unwrap().to_vec(), b"text");
    let listed = s3.list_objects_v2().bucket(&ours).send().await.unwrap();
    assert_eq!(listed.contents().len(), 1);
    s3.delete_object().bucket(&ours).key("rust").send().await.unwrap();
    assert_eq!(put(&theirs).await.unwrap_err().code(), Some("AccessDenied"));
}

#[tokio::test]
#[ignore = "it is run by another test, in an environment made for it"]
async fn a_program_of_the_vendors() {
    let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let s3 = aws_sdk_s3::Client::new(&config);
    works(&s3).await;
}

#[tokio::test]
#[ignore = "it is run by another test, in an environment made for it"]
async fn a_program_with_a_profile() {
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .profile_name("acme")
        .load()
        .await;
    let s3 = aws_sdk_s3::Client::new(&config);
    works(&s3).await;
}

#[test]
fn the_tested_programs_are_those_in_the_docs() {
    let this = include_str!("clients.rs");
    let blocks = printed("rust");
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        let lines: Vec<String> = block.lines().map(|line| format!("    {line}")).collect();
        assert!(this.contains(&lines.join("\n")), "{block}");
    }
    assert_eq!((printed("sh").len(), printed("python").len(), printed("ini").len()), (7, 2, 1));
}

#[rstest]
#[case("direct")]
#[case("assume_role")]
#[tokio::test(flavor = "multi_thread")]
async fn each_client_works_unchanged(#[case] mode: &'static str) {
    let stage = Stage::new(mode).await;
    let service = Service::of(&stage);
    let environment = printed("sh")[0];
    let program = [PYTHON, printed("python")[0], "\nworks(s3, bucket, theirs)"].concat();
    service.succeeds(&[environment, RUN_PYTHON].concat(), &program).await;
    service.succeeds(&[environment, "\n", &cli(printed("sh")[1])].concat(), "").await;
    service
        .succeeds(&[environment, "\n", &rust("a_program_of_the_vendors")].concat(), "")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tenants_work_in_one_process_and_with_profiles() {
    let stage = Stage::new("direct").await;
    let service = Service::of(&stage);
    let both = "\nworks(documents_of('acme'), bucket, theirs)\nworks(documents_of('other'), theirs, bucket)";
    let program = [PYTHON, printed("python")[1], both].concat();
    service.succeeds(RUN_PYTHON, &program).await;

    std::fs::write(service.file("config"), printed("ini")[0]).unwrap();
    service.succeeds(&cli(printed("sh")[3]), "").await;
    service.succeeds(&rust("a_program_with_a_profile"), "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_in_files_and_limited_access_work() {
    let stage = Stage::new("assume_role").await;
    let service = Service::of(&stage);
    let shell = printed("sh");
    let in_file = [shell[0], "\nunset AWS_CONTAINER_AUTHORIZATION_TOKEN\n", shell[2], RUN_PYTHON].concat();
    let client = printed("python")[0];
    let invoice = "\ns3.put_object(Bucket=bucket, Key='invoices/2026/1', Body=b'text')";
    service
        .succeeds(&in_file, &[PYTHON, client, "\nworks(s3, bucket, theirs)", invoice].concat())
        .await;

    let less = [shell[0], "\n", shell[4], RUN_PYTHON].concat();
    let checks = "
assert s3.get_object(Bucket=bucket, Key='invoices/2026/1')['Body'].read() == b'text'
assert s3.list_objects_v2(Bucket=bucket, Prefix='invoices/2026/')['KeyCount'] == 1
refused(s3.put_object, Bucket=bucket, Key='invoices/2026/2', Body=b'text')
refused(s3.delete_object, Bucket=bucket, Key='invoices/2026/1')
refused(s3.get_object, Bucket=bucket, Key='other/1')
refused(s3.list_objects_v2, Bucket=bucket)
";
    service.succeeds(&less, &[PYTHON, client, checks].concat()).await;
}
