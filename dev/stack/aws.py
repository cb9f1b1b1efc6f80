"""AWS clients for the stand-in."""

import os

ROOT_SECRET = "root"
# Ignore the user's AWS profiles, even invalid ones.
NO_PROFILES = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


def client(service, endpoint, region, *, key, secret=ROOT_SECRET, verify=None):
    """In the stand-in, an account ID as access key means the root user of that account."""
    import botocore.session
    from botocore.config import Config

    return botocore.session.Session(NO_PROFILES).create_client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        verify=verify,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"total_max_attempts": 3},
            s3={"addressing_style": "path"},
            proxies={},
        ),
    )
