say() {
    printf '%s\n' "$*"
}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Whether a resource exists. If so, $answer has the command's output. Any error other than $1 ends the script.
exists() {
    absent=$1
    shift
    if answer=$("$@" 2>"$errors"); then
        return 0
    fi
    grep -q -F -e "$absent" "$errors" && return 1
    fail "$(cat "$errors")"
}

# The tags as JSON, with the names $1 and $2 for a key and a value.
tags_as() {
    printf '%s\n' "$tags" | tr , '\n' | sed -e '/=/!d' -e 's/^ *//' -e 's/ *$//' \
        -e "s/^\([^=]*\)=\(.*\)$/{\"$1\":\"\1\",\"$2\":\"\2\"}/" | paste -s -d , - | sed 's/.*/[&]/'
}

# AWS rejects a policy that names a new role until the role has propagated.
retry() {
    tries=0
    until error=$("$@" 2>&1 >/dev/null); do
        case $error in
        *MalformedPolicy*) ;;
        *) fail "$error" ;;
        esac
        tries=$((tries + 1))
        [ "$tries" -lt 30 ] || fail "$error"
        sleep 2
    done
}

# Prints the policy $1 merged with the statements $2. Each replaces the statement with its Sid, or one with its Sid without the end
# $sid_suffix that has only this tenant's external IDs, or is appended. Statements of other tenants of the vendor stay as they are.
merged() {
    if command -v jq >/dev/null 2>&1; then
        # shellcheck disable=SC2016 # jq's variables, not the shell's
        jq -c -n --argjson policy "$1" --argjson ours "$2" --arg suffix "$sid_suffix" '
            def ids: [(.Condition.StringEquals? // {}) | .["sts:ExternalId"], .["aws:PrincipalTag/latchkey-external-id"] | values] | flatten;
            def is_alone($own): if $own | ids == [] then ids == [] and .Principal == $own.Principal
                else ids != [] and ids - ($own | ids) == [] end;
            def is($own): .Sid == $own.Sid
                or ((.Sid | type) == "string" and .Sid + $suffix == $own.Sid and .Effect == "Allow" and is_alone($own));
            ($policy.Statement // [] | if type == "array" then . else [.] end) as $old
            | reduce $old[] as $one ([]; [$ours[] | select(. as $own | $one | is($own))][0] as $own
                | if $own == null then . + [$one] elif any(.[]; .Sid == $own.Sid) then . else . + [$own] end)
            | . as $new
            | $policy
            | .Statement = $new + [$ours[] | . as $own | select(all($new[]; .Sid != $own.Sid))]'
    else
        python3 -c '
import json, sys
policy, ours = map(json.loads, sys.argv[1:3])
def ids(one):
    required = (one.get("Condition") or {}).get("StringEquals") or {}
    found = [required.get(key, []) for key in ("sts:ExternalId", "aws:PrincipalTag/latchkey-external-id")]
    return {id for value in found for id in (value if isinstance(value, list) else [value])}
def is_alone(one, own):
    return bool(ids(one)) and ids(one) <= ids(own) if ids(own) else not ids(one) and one.get("Principal") == own.get("Principal")
def matches(one, own):
    bare = str(one.get("Sid")) + sys.argv[3] == own["Sid"] and one["Effect"] == "Allow"
    return one.get("Sid") == own["Sid"] or bare and is_alone(one, own)
old, new = policy.get("Statement", []), []
for one in old if isinstance(old, list) else [old]:
    own = next((own for own in ours if matches(one, own)), None)
    if own is None:
        new.append(one)
    elif own not in new:
        new.append(own)
policy["Statement"] = new + [own for own in ours if own not in new]
print(json.dumps(policy, separators=(",", ":")))' "$1" "$2" "$sid_suffix"
    fi
}

# Merges the statements $3 into $1, whose policy is $2. The remaining arguments are the command that sets the policy.
merge_into() {
    what=$1 policy=$2 ours=$3
    shift 3
    if ! command -v jq >/dev/null 2>&1 && ! command -v python3 >/dev/null 2>&1; then
        for sid in $(printf '%s\n' "$ours" | sed -n 's/^ *"Sid": "\(.*\)",$/\1/p'); do
            case $policy in
            *"\"$sid\""*) ;;
            *) fail "$what has other statements. Merging requires jq or python3. Install one of them, or add the statements below yourself, and then run this script again:
$ours" ;;
            esac
        done
        say "$what: already has statements with these Sids; not changed"
        return
    fi
    wanted=$(merged "$policy" "$ours")
    if [ "$wanted" = "$(merged "$policy" '[]')" ]; then
        say "$what: already up to date"
        return
    fi
    retry "$@" "$wanted"
    say "$what: statements added"
}

agreed=no
case ${1-} in
--yes) agreed=yes ;;
'') ;;
*)
    say "usage: $0 [--yes]"
    exit 2
    ;;
esac
command -v aws >/dev/null 2>&1 || fail 'The AWS CLI is required: https://aws.amazon.com/cli/'
[ -n "$bucket" ] || fail 'Set bucket at the top of this script.'
if [ "$mode" = assume_role ]; then
    [ -n "$role_name" ] || fail 'Set role_name at the top of this script.'
    role_path=${role_path:-/}
fi
export AWS_PAGER=
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

# Find out what exists. Nothing is changed here.
caller=$(aws sts get-caller-identity --query Arn --output text)
account=$(printf '%s' "$caller" | cut -d : -f 5)
case $caller in
"arn:$partition:"*) ;;
*) fail "These credentials are for another AWS partition. The vendor uses $partition." ;;
esac
case $key_arn in
'' | *":$account:key/"*) ;;
*) fail "The key is in another account than these credentials. This script sets up one account: apply the documents one by one instead." ;;
esac
if [ -n "$key_arn" ]; then
    region=$(printf '%s' "$key_arn" | cut -d : -f 4)
else
    region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || :)}}
fi
[ -n "$region" ] || fail 'Set AWS_REGION.'
export AWS_REGION="$region" AWS_DEFAULT_REGION="$region"
bucket_arn=arn:$partition:s3:::$bucket

key_alias=alias/latchkey-$(printf '%s' "$bucket" | tr . _)
new_key=no
if [ -z "$key_arn" ]; then
    if exists NotFoundException aws kms describe-key --key-id "$key_alias" --query KeyMetadata.Arn --output text; then
        key_arn=$answer
    else
        new_key=yes
    fi
fi

new_bucket=no
encrypted=no
if exists '(404)' aws s3api head-bucket --bucket "$bucket"; then
    location=$(aws s3api get-bucket-location --bucket "$bucket" --expected-bucket-owner "$account" --query LocationConstraint --output text)
    case $location in
    None | null | '') location=us-east-1 ;;
    EU) location=eu-west-1 ;;
    esac
    [ "$location" = "$region" ] || fail "The bucket is in $location, but the key is in $region. S3 requires both in the same region."
    default=AES256
    by_default='ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.[SSEAlgorithm,KMSMasterKeyID]'
    if exists ServerSideEncryptionConfigurationNotFoundError \
        aws s3api get-bucket-encryption --bucket "$bucket" --query "$by_default" --output text; then
        default=$answer
    fi
    case $default in
    AES256*) ;;
    aws:kms[!:]*"$key_arn")
        [ -n "$key_arn" ] || fail "The bucket's default encryption already uses a key. Set key_arn at the top of this script to its ARN."
        encrypted=yes
        ;;
    *) fail "The bucket's default encryption uses another key ($default). Set key_arn at the top of this script to its ARN, or change the default encryption." ;;
    esac
else
    new_bucket=yes
fi

new_role=no
if [ "$mode" = assume_role ]; then
    if exists NoSuchEntity aws iam get-role --role-name "$role_name" --query Role.Arn --output text; then
        role_arn=$answer
    else
        new_role=yes
    fi
fi

# Show the plan.
say "$title"
say "In account $account, region $region:"
if [ "$mode" = assume_role ]; then
    case $new_role in
    yes) say "  create the role $role_path$role_name, which the vendor's role can assume only with the external ID" ;;
    no) say "  add a statement for the vendor's role to the trust policy of the role $role_name" ;;
    esac
    say "  set the inline policy latchkey of the role $role_name"
fi
case $new_key in
yes) say "  create a KMS key with the alias $key_alias and yearly rotation" ;;
no) say "  add a statement to the policy of the key $key_arn" ;;
esac
case $new_bucket in
yes)
    case $bucket in
    *"-$account-$region-an") say "  create the bucket $bucket in this account's regional namespace, with ACLs disabled and public access blocked" ;;
    *) say "  create the bucket $bucket, with ACLs disabled and public access blocked" ;;
    esac
    [ -z "$log_bucket" ] || say "  write its access logs to the bucket $log_bucket"
    ;;
esac
[ "$encrypted" = yes ] || say "  set this key as the default encryption of the bucket $bucket"
say "  add statements to the policy of the bucket $bucket"
if [ "$agreed" = no ]; then
    [ -t 0 ] || fail 'Nothing was changed. Run this with --yes to apply the changes.'
    printf 'Continue? [y/N] '
    read -r answer
    case $answer in
    y | Y | yes) ;;
    *) fail 'Nothing was changed.' ;;
    esac
fi

# Apply the changes: role, key, bucket. AWS rejects a policy that names a role that does not exist.
if [ "$mode" = assume_role ]; then
    if [ "$new_role" = yes ]; then
        set -- --role-name "$role_name" --path "$role_path" --assume-role-policy-document "$(trust_policy)"
        [ -z "$permissions_boundary" ] || set -- "$@" --permissions-boundary "$permissions_boundary"
        [ -z "$tags" ] || set -- "$@" --tags "$(tags_as Key Value)"
        role_arn=$(aws iam create-role "$@" --query Role.Arn --output text)
        aws iam wait role-exists --role-name "$role_name"
        say "role $role_name: created"
    else
        current=$(aws iam get-role --role-name "$role_name" --query Role.AssumeRolePolicyDocument --output json)
        merge_into "trust policy of the role $role_name" "$current" "$(trust_statements)" \
            aws iam update-assume-role-policy --role-name "$role_name" --policy-document
    fi
fi

if [ "$new_key" = yes ]; then
    set -- --description "Documents in $bucket"
    [ -z "$tags" ] || set -- "$@" --tags "$(tags_as TagKey TagValue)"
    key_arn=$(aws kms create-key "$@" --query KeyMetadata.Arn --output text)
    aws kms create-alias --alias-name "$key_alias" --target-key-id "$key_arn"
    aws kms enable-key-rotation --key-id "$key_arn"
    retry aws kms put-key-policy --key-id "$key_arn" --policy-name default --policy "$(key_policy)"
    say "key $key_arn: created"
else
    current=$(aws kms get-key-policy --key-id "$key_arn" --policy-name default --query Policy --output text)
    merge_into "policy of the key $key_arn" "$current" "$(key_statements)" \
        aws kms put-key-policy --key-id "$key_arn" --policy-name default --policy
fi

if [ "$mode" = assume_role ]; then
    aws iam put-role-policy --role-name "$role_name" --policy-name latchkey --policy-document "$(role_permissions)"
    say "role $role_name: permissions set"
fi

if [ "$new_bucket" = yes ]; then
    set -- --bucket "$bucket" --object-ownership BucketOwnerEnforced
    # The API does not accept us-east-1 here.
    [ "$region" = us-east-1 ] || set -- "$@" --create-bucket-configuration "LocationConstraint=$region"
    case $bucket in
    *"-$account-$region-an") set -- "$@" --bucket-namespace account-regional ;;
    esac
    aws s3api create-bucket "$@" >/dev/null
    aws s3api wait bucket-exists --bucket "$bucket"
    aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
        BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
    if [ -n "$tags" ]; then
        aws s3api put-bucket-tagging --bucket "$bucket" --tagging "{\"TagSet\":$(tags_as Key Value)}"
    fi
    if [ -n "$log_bucket" ]; then
        aws s3api put-bucket-logging --bucket "$bucket" \
            --bucket-logging-status "LoggingEnabled={TargetBucket=$log_bucket,TargetPrefix=$bucket/}"
    fi
    say "bucket $bucket: created"
fi
if [ "$encrypted" = no ]; then
    case $new_bucket in
    # Other applications may use SSE-C in an existing bucket.
    yes) encryption=$(new_bucket_encryption) ;;
    no) encryption=$(bucket_encryption) ;;
    esac
    aws s3api put-bucket-encryption --bucket "$bucket" --expected-bucket-owner "$account" \
        --server-side-encryption-configuration "$encryption"
    say "bucket $bucket: default encryption set"
fi
if exists NoSuchBucketPolicy \
    aws s3api get-bucket-policy --bucket "$bucket" --expected-bucket-owner "$account" --query Policy --output text; then
    merge_into "policy of the bucket $bucket" "$answer" "$(bucket_statements)" \
        aws s3api put-bucket-policy --bucket "$bucket" --policy
else
    retry aws s3api put-bucket-policy --bucket "$bucket" --policy "$(bucket_policy)"
    say "policy of the bucket $bucket: set"
fi

say ''
say 'For the form:'
say "Bucket ARN: $bucket_arn"
say "Bucket region: $region"
say "Key ARN: $key_arn"
if [ "$mode" = assume_role ]; then
    say "Role ARN: $role_arn"
fi
