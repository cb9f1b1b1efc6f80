"""Clients for the stand-in."""

ROOT_SECRET = "root"


def client(service, endpoint, region, *, key, secret=ROOT_SECRET):
    """In the stand-in, an access key that is an account's 12 digits is the root of that account."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"total_max_attempts": 3},
        s3={"addressing_style": "path"},
        proxies={},
    )
    session = boto3.session.Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name=region)
    return session.client(service, endpoint_url=endpoint, config=config)
