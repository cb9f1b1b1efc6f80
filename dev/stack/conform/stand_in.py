"""The stand-in over TLS, with three accounts and an administrator in each: what AWS is compared with, and what the tests run against."""

import contextlib
import uuid

from stack import aws, paths, standin
from stack.conform import accounts, names

POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'


@contextlib.contextmanager
def running(folder, region):
    """Its URL, its certificate, and a profile for each role, for as long as the context is open."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate = standin.create_certificate(folder)
    process, url = standin.start(folder, certificate=certificate)
    try:
        config, credentials = folder / "config", folder / "credentials"
        profiles = {role: f"{names.STEM}-{role}" for role in accounts.ROLES}
        config.write_text("".join(f"[profile {profile}]\nregion = {region}\n" for profile in profiles.values()))
        paths.write_private(credentials, "".join(administrator(url, region, certificate, profile) for profile in profiles.values()))
        values = {
            "AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
            "AWS_CA_BUNDLE": str(certificate), "REQUESTS_CA_BUNDLE": str(certificate),
        }
        with accounts.environment(values):
            yield url, certificate, profiles
    finally:
        process.stop()


def administrator(url, region, certificate, profile):
    """A section of the credentials file, for a user in a new account."""
    iam = aws.client("iam", url, region, key=str(uuid.uuid4().int)[:12], verify=str(certificate))
    iam.create_user(UserName="administrator")
    iam.put_user_policy(UserName="administrator", PolicyName="all", PolicyDocument=POLICY)
    key = iam.create_access_key(UserName="administrator")["AccessKey"]
    return f"[{profile}]\naws_access_key_id = {key['AccessKeyId']}\naws_secret_access_key = {key['SecretAccessKey']}\n"
