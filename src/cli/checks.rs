//! `latchkey checks`

use strum::IntoEnumIterator;

use super::Outcome;
use crate::domain::catalogue::{CheckName, CheckWeight};
use crate::domain::storage_config::Mode;

/// What stands in `docs/checks.md`.
#[expect(clippy::unnecessary_wraps, reason = "commands end in an outcome")]
pub fn run() -> Outcome {
    println!("# The checks\n");
    println!("What a verification proves, one check at a time. Made by `latchkey checks` from the catalogue in the code.\n");
    println!("A check that is *required* rejects when it fails; the vendor may make it advisory by `LATCHKEY_ADVISORY_CHECKS`,");
    println!("unless it is *always* required. An *advisory* one only warns, and is made where `LATCHKEY_POSTURE` is set. A check is");
    println!("skipped when one that it rests on did not pass.\n");
    println!("| check | what a pass proves | `direct` | `assume_role` | weight | rests on |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for check in CheckName::iter() {
        let entry = check.entry();
        let in_mode = |mode| if entry.modes.contains(&mode) { "yes" } else { "" };
        let weight = match entry.weight {
            CheckWeight::AlwaysRequired => "always",
            CheckWeight::Required => "required",
            CheckWeight::Advisory => "advisory",
        };
        let premises = if check == CheckName::BucketNotClaimed {
            "all required checks".into()
        } else {
            let named = entry.premises.iter().map(|premise| format!("`{premise}`"));
            named.collect::<Vec<_>>().join(", ")
        };
        println!(
            "| `{check}` | {} | {} | {} | {weight} | {premises} |",
            entry.proves,
            in_mode(Mode::Direct),
            in_mode(Mode::AssumeRole),
        );
    }
    println!();
    println!("Beside these, everything rests on `vendor-role-assumable` and, in `assume_role`, on `client-role-assumable`; and nothing is");
    println!("written before role (or, in `direct`, bucket) were seen to refuse strangers.");
    Ok(())
}
