//! A POSIX shell script for the vendor's account that uses the AWS CLI.

use std::fmt::Write as _;

use serde_json::Value;

use super::{POLICY_NAME, Role};

const HEAD: &str = "#!/bin/sh
# Creates or updates Latchkey's roles. Run it with credentials for their account. It asks for confirmation, or takes --yes, and can
# be run again, for example after an upgrade. It replaces the trust policies of the roles, and each role's inline policy latchkey.
set -eu
";

const BODY: &str = r#"
fail() {
    echo "$1" >&2
    exit 1
}

current=$(aws sts get-caller-identity --query Account --output text)
[ "$current" = "$account" ] || fail "These credentials belong to the account $current, but the roles are in $account."

if [ "${1:-}" != --yes ]; then
    echo "In the account $account, this creates or updates: $roles"
    printf 'Continue? [y/N] '
    read -r answer
    [ "$answer" = y ] || fail 'Nothing was changed.'
fi

# Name, path, trust policy.
put_role() {
    if aws iam get-role --role-name "$1" >/dev/null 2>&1; then
        aws iam update-assume-role-policy --role-name "$1" --policy-document "$3"
    else
        aws iam create-role --role-name "$1" --path "$2" --assume-role-policy-document "$3" >/dev/null
    fi
}

# Name, permissions.
put_permissions() {
    aws iam put-role-policy --role-name "$1" --policy-name "$policy_name" --policy-document "$2"
}

"#;

pub(super) fn script(roles: &[Role]) -> String {
    let mut text = String::from(HEAD);
    let account = roles.first().map_or("", |role| role.arn.account().as_str());
    let names: Vec<&str> = roles.iter().map(|role| role.arn.name().as_str()).collect();
    let _ = writeln!(text, "\naccount={account}\npolicy_name={POLICY_NAME}\nroles='{}'", names.join(" "));
    for role in roles {
        if let Some(trust) = role.trust {
            text += &function(role.label, "trust", trust);
        }
        text += &function(role.label, "permissions", role.permissions);
    }
    text += BODY;
    for role in roles {
        let (label, name, path) = (role.label, quoted(role.arn.name().as_str()), quoted(role.arn.path()));
        if role.trust.is_some() {
            let _ = writeln!(text, "put_role {name} {path} \"$({label}_trust)\"");
        }
        let _ = writeln!(text, "put_permissions {name} \"$({label}_permissions)\"");
    }
    text
}

/// A function that prints a document. Nothing is expanded in it.
fn function(label: &str, kind: &str, document: &Value) -> String {
    format!("\n{label}_{kind}() {{\n    cat <<'DOCUMENT'\n{document:#}\nDOCUMENT\n}}\n")
}

/// A path may contain single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
