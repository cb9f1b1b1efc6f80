//! Properties of all formats, in each partition and mode and with any number of known values.

use proptest::prelude::*;
use serde_json::{Value, json};
use strum::IntoEnumIterator;

use super::format::TemplateFormat;
use super::samples::{PARTIES, every, typed, untyped};
use super::{Parties, TemplateParams};
use crate::domain::arn::RoleArn;
use crate::domain::external_id::ExternalId;
use crate::domain::partition::Partition;
use crate::domain::storage_config::Mode;

/// Every literal ARN is in the tenant's partition, or in that of the account in which the file is applied.
#[test]
fn no_partition_is_hard_coded() {
    for (name, params) in every() {
        for format in TemplateFormat::iter() {
            let text = format.file(&params, PARTIES).unwrap().map_or_else(
                || serde_json::to_string(&super::json::documents(&params).documents).unwrap(),
                |file| file.text,
            );
            let own = format!("{}:", params.partition);
            for (at, _) in text.match_indices("arn:") {
                if text[..at].ends_with('_') {
                    continue;
                }
                let rest = &text[at + 4..];
                assert!(
                    rest.starts_with(&own) || rest.starts_with('$') || rest.starts_with("aws[a-z-]*:"),
                    "{name} {format}: {}",
                    rest.lines().next().unwrap()
                );
            }
        }
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for format in TemplateFormat::iter() {
        let texts = [0, 1].map(|_| {
            format
                .file(&typed(Partition::Aws, Mode::AssumeRole), PARTIES)
                .unwrap()
                .map(|file| file.text)
        });
        assert_eq!(texts[0], texts[1]);
    }
}

/// Values with characters that have a meaning in some format.
fn hostile() -> impl Strategy<Value = (TemplateParams, String, String)> {
    let name = || "\\PC{0,24}|([\"'`$(){}%&\\\\;|<>#!\\r\\n\\t -]|DOCUMENT|EOF|\\$\\{|%\\{|'''|---|\u{85}|\u{2028}){0,16}";
    let path = "[!-)+-~]{0,40}/|([\"'`$(){}%\\\\#;|&]|\\$\\{|%\\{|\\$\\(id\\)){0,12}/";
    (path, name(), name(), any::<bool>()).prop_map(|(path, vendor, tenant, direct)| {
        let mode = if direct { Mode::Direct } else { Mode::AssumeRole };
        let role = RoleArn::parse(&format!("arn:aws:iam::111111111111:role/{path}documents")).unwrap();
        let ids = vec![ExternalId::parse("00123456").unwrap()];
        (TemplateParams::empty(mode, role, ids), vendor, tenant)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn nothing_ends_a_string_of_yaml_early((params, vendor, tenant) in hostile()) {
        let parties = Parties { vendor: &vendor, tenant: &tenant };
        let read: Value = yaml_serde::from_str(&TemplateFormat::Cloudformation.file(&params, parties).unwrap().unwrap().text).unwrap();
        prop_assert_eq!(&read["Description"], &json!(parties.title()));
        prop_assert_eq!(&read["Parameters"]["VendorRoleArn"]["Default"], &json!(params.vendor_role));
        prop_assert_eq!(&read["Parameters"]["ExternalIds"]["Default"], &json!("00123456"));
        prop_assert_eq!(read.as_object().unwrap().len(), 7);
    }

    #[test]
    fn nothing_ends_a_string_of_hcl_early((params, vendor, tenant) in hostile()) {
        let parties = Parties { vendor: &vendor, tenant: &tenant };
        let text = TemplateFormat::Terraform.file(&params, parties).unwrap().unwrap().text;
        let body: hcl::Body = hcl::from_str(&text).unwrap();
        let harmless = Parties { vendor: "", tenant: "" };
        let plain: hcl::Body = hcl::from_str(&TemplateFormat::Terraform.file(&untyped(Partition::Aws, params.mode), harmless).unwrap().unwrap().text).unwrap();
        prop_assert_eq!(body.blocks().count(), plain.blocks().count());
        let of = |name: &str, attribute: &str| {
            let block = body.blocks().find(|block| block.labels().first().is_some_and(|label| label.as_str() == name)).unwrap();
            block.body().attributes().find(|found| found.key() == attribute).unwrap().expr().clone()
        };
        prop_assert_eq!(of("vendor_role_arn", "default"), hcl::Expression::from(params.vendor_role.as_str()));
        prop_assert_eq!(of("vendor_role_arn", "description"), hcl::Expression::from(format!("The role of {vendor}, as issued. Do not change it.")));
        prop_assert_eq!(of("external_ids", "description"), hcl::Expression::from(format!("The external ID of {tenant}, as issued. Do not change it.")));
    }

    /// Evaluated by a shell: its values of the variables and the documents.
    #[test]
    fn nothing_ends_a_string_of_the_shell_early((params, vendor, tenant) in hostile()) {
        let parties = Parties { vendor: &vendor, tenant: &tenant };
        let text = TemplateFormat::Cli.file(&params, parties).unwrap().unwrap().text;
        let (documents, _) = text.split_once("\nsay() {").unwrap();
        let document = if params.mode == Mode::Direct { "bucket_statements" } else { "trust_statements" };
        let asked = format!("{documents}\nbucket_arn=b role_arn=r key_arn=k account=a\nprintf '%s\\0' \"$title\"\n{document}\n");
        let ran = std::process::Command::new("sh").arg("-c").arg(asked).output().unwrap();
        prop_assert!(ran.status.success() && ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
        let printed = String::from_utf8(ran.stdout).unwrap();
        let (title, statements) = printed.split_once('\0').unwrap();
        prop_assert_eq!(title, parties.title());
        let statements: Value = serde_json::from_str(statements).unwrap();
        prop_assert_eq!(&statements[0]["Principal"]["AWS"], &json!(params.vendor_role));
    }
}
