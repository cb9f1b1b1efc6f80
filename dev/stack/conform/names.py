"""Names and tags of everything that a run creates. They are random, so they collide with nothing, and cleanup finds them."""

import functools
import re
import secrets

STEM = "latchkey-conform"
TAG = "latchkey-conform"
NAME = re.compile(rf"{STEM}-([0-9a-f]{{8}})-")


def new_run():
    return secrets.token_hex(4)


def prefix(run):
    return f"{STEM}-{run}-"


def run_of(name):
    """The run that created something of this name, or None."""
    found = NAME.match(name)
    return found[1] if found else None


def belongs(name, run=None):
    """Whether it was created by this run, or by any run if none is given."""
    return run_of(name) is not None and run in (None, run_of(name))


def is_tagged(tags, run=None):
    """The same for something without a name; `tags` by key."""
    return TAG in tags and run in (None, tags[TAG])


# Operations that create something with tags, with the parameter and the fields' names.
TAGGED = {
    "iam.CreateRole": ("Tags", "Key", "Value"),
    "iam.CreateUser": ("Tags", "Key", "Value"),
    "iam.CreatePolicy": ("Tags", "Key", "Value"),
    "kms.CreateKey": ("Tags", "TagKey", "TagValue"),
    "cloudformation.CreateStack": ("Tags", "Key", "Value"),
}


def mark(events, run):
    """Adds the tag to every such request of the clients with these events, and to the tags that a bucket is given."""
    for operation, (parameter, key, value) in TAGGED.items():
        events.register(f"provide-client-params.{operation}", functools.partial(add_tag, parameter, {key: TAG, value: run}))
    events.register("provide-client-params.s3.PutBucketTagging", functools.partial(add_to_bucket, {"Key": TAG, "Value": run}))


def add_tag(parameter, tag, params, **_):
    params[parameter] = [*params.get(parameter, []), tag]


def add_to_bucket(tag, params, **_):
    params["Tagging"] = {"TagSet": [*params.get("Tagging", {}).get("TagSet", []), tag]}
