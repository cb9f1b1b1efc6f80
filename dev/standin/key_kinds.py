"""KMS keys that S3 cannot use: asymmetric ones and HMAC keys can be created and described, and refuse symmetric encryption.

https://docs.aws.amazon.com/kms/latest/developerguide/key-types.html
"""

import json

from ministack.core.responses import error_response_json
from ministack.services import kms

ASYMMETRIC = {"RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1"}


def objection(record, action):
    """Why AWS refuses this action of symmetric encryption with a key: the message of an InvalidKeyUsageException, or None."""
    name, usage, spec = action.removeprefix("kms:"), record.get("KeyUsage", "ENCRYPT_DECRYPT"), record.get("KeySpec", "SYMMETRIC_DEFAULT")
    if usage != "ENCRYPT_DECRYPT":
        return f"{record['Arn']} key usage is {usage} which is not valid for {name}."
    if spec != "SYMMETRIC_DEFAULT":
        return f"Algorithm SYMMETRIC_DEFAULT and key spec {spec} do not match."
    return None


def create_key(data):
    """Asymmetric keys without key material: nothing here signs or encrypts with them."""
    spec = data.get("KeySpec", data.get("CustomerMasterKeySpec", "SYMMETRIC_DEFAULT"))
    if spec not in ASYMMETRIC or kms.HAS_CRYPTO:
        return original_create_key(data)
    usage = data.get("KeyUsage")
    valid = {"SIGN_VERIFY", "ENCRYPT_DECRYPT"} if spec.startswith("RSA") else {"SIGN_VERIFY", "KEY_AGREEMENT"}
    if usage not in valid:
        return error_response_json("ValidationException", f"You must specify a KeyUsage value for an asymmetric KMS key: {sorted(valid)}", 400)
    status, headers, body = original_create_key({**data, "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT"})
    if status == 200:
        record = kms._keys[json.loads(body)["KeyMetadata"]["KeyId"]]
        record.pop("_symmetric_key", None)
        record |= {"KeySpec": spec, "KeyUsage": usage, "EncryptionAlgorithms": [], "SigningAlgorithms": []}
        if usage == "ENCRYPT_DECRYPT":
            record["EncryptionAlgorithms"] = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
        elif usage == "SIGN_VERIFY":
            record["SigningAlgorithms"] = ["RSASSA_PKCS1_V1_5_SHA_256"] if spec.startswith("RSA") else ["ECDSA_SHA_256"]
        return kms._describe_key({"KeyId": record["KeyId"]})
    return status, headers, body


def install():
    global original_create_key
    original_create_key, kms._create_key = kms._create_key, create_key
