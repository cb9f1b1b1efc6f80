//! The network that the vendor's calls to AWS come from, as AWS's condition keys describe it.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-network-properties>

use std::fmt;

use ipnet::IpNet;
use serde_json::{Value, json};

use super::text::Malformed;

/// Every call comes from one of these: over the internet from one of the addresses, or through one of the VPC endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorNetwork {
    /// Public addresses.
    pub source_ips: Vec<IpNet>,
    pub endpoints: VpcEndpoints,
    /// Whether verifications also call from outside of it.
    pub is_probed: bool,
}

/// The VPC endpoints of a vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VpcEndpoints {
    These(Vec<VpcEndpointId>),
    /// Every endpoint in an account of this organization.
    OfOrganization(OrganizationId),
}

impl VendorNetwork {
    /// The most networks and endpoints. More would not fit into a session policy, which has at most 2,048 characters.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
    pub const MOST: usize = 32;

    /// The condition on calls from elsewhere, for Deny statements. Each key is absent from some calls: over the internet there is no VPC
    /// endpoint, and through an endpoint there is no `aws:SourceIp`. With `IfExists` an absent key counts as another one, so a call is
    /// denied unless one of the keys has the right value. S3 calls KMS from a network of its own, on behalf of a caller whose call S3
    /// has already allowed.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IfExists>,
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html>
    pub fn elsewhere(&self) -> Value {
        let mut condition = json!({});
        if !self.source_ips.is_empty() {
            let networks: Vec<String> = self.source_ips.iter().map(IpNet::to_string).collect();
            condition["NotIpAddressIfExists"] = json!({"aws:SourceIp": one_or_all(&networks)});
        }
        match &self.endpoints {
            VpcEndpoints::These(endpoints) if endpoints.is_empty() => {}
            VpcEndpoints::These(endpoints) => {
                let ids: Vec<String> = endpoints.iter().map(VpcEndpointId::to_string).collect();
                condition["StringNotEqualsIfExists"] = json!({"aws:SourceVpce": one_or_all(&ids)});
            }
            VpcEndpoints::OfOrganization(organization) => {
                condition["StringNotEqualsIfExists"] = json!({"aws:VpceOrgID": organization.0});
            }
        }
        condition["BoolIfExists"] = json!({"aws:ViaAWSService": "false"});
        condition
    }

    /// Where a call can come from.
    pub fn origins(&self) -> Vec<CallOrigin<'_>> {
        let addresses = self.source_ips.iter().copied().map(CallOrigin::Addresses);
        let endpoints = match &self.endpoints {
            VpcEndpoints::These(endpoints) => endpoints.iter().map(CallOrigin::Endpoint).collect(),
            VpcEndpoints::OfOrganization(organization) => vec![CallOrigin::Organization(organization)],
        };
        addresses.chain(endpoints).collect()
    }
}

fn one_or_all(texts: &[String]) -> Value {
    match texts {
        [one] => json!(one),
        several => json!(several),
    }
}

/// Where a call comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOrigin<'a> {
    /// Nothing is known.
    Anywhere,
    /// Over the internet, from one of these addresses.
    Addresses(IpNet),
    /// Through this VPC endpoint.
    Endpoint(&'a VpcEndpointId),
    /// Through some VPC endpoint of this organization.
    Organization(&'a OrganizationId),
    /// From S3, which uses the key on behalf of the caller.
    S3,
}

/// The ID of a VPC endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpcEndpointId(String);

impl VpcEndpointId {
    /// # Errors
    /// `malformed_vpc_endpoint`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let digits = text.strip_prefix("vpce-").unwrap_or_default();
        if (8..=17).contains(&digits.len()) && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed::new(
                "malformed_vpc_endpoint",
                format!("{text:?} is not the ID of a VPC endpoint"),
            ))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VpcEndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ID of an organization in AWS Organizations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationId(String);

impl OrganizationId {
    /// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html>
    ///
    /// # Errors
    /// `malformed_organization`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let id = text.strip_prefix("o-").unwrap_or_default();
        if (10..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed::new(
                "malformed_organization",
                format!("{text:?} is not the ID of an organization"),
            ))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(ids: &[&str]) -> VpcEndpoints {
        VpcEndpoints::These(ids.iter().map(|id| VpcEndpointId::parse(id).unwrap()).collect())
    }

    fn network(source_ips: &[&str], endpoints: VpcEndpoints) -> VendorNetwork {
        VendorNetwork {
            source_ips: source_ips.iter().map(|net| net.parse().unwrap()).collect(),
            endpoints,
            is_probed: false,
        }
    }

    #[test]
    fn calls_from_elsewhere_are_those_that_meet_no_condition() {
        let not_by_s3 = json!({"aws:ViaAWSService": "false"});
        assert_eq!(
            network(&["52.57.10.20/32"], endpoints(&[])).elsewhere(),
            json!({"NotIpAddressIfExists": {"aws:SourceIp": "52.57.10.20/32"}, "BoolIfExists": not_by_s3})
        );
        assert_eq!(
            network(&[], endpoints(&["vpce-0123456789abcdef0", "vpce-0123456789abcdef1"])).elsewhere(),
            json!({
                "StringNotEqualsIfExists": {"aws:SourceVpce": ["vpce-0123456789abcdef0", "vpce-0123456789abcdef1"]},
                "BoolIfExists": not_by_s3,
            })
        );
        let organization = VpcEndpoints::OfOrganization(OrganizationId::parse("o-a1b2c3d4e5").unwrap());
        assert_eq!(
            network(&["52.57.10.20/32", "2a05:d014::/36"], organization).elsewhere(),
            json!({
                "NotIpAddressIfExists": {"aws:SourceIp": ["52.57.10.20/32", "2a05:d014::/36"]},
                "StringNotEqualsIfExists": {"aws:VpceOrgID": "o-a1b2c3d4e5"},
                "BoolIfExists": not_by_s3,
            })
        );
    }

    #[test]
    fn ids_are_those_of_aws() {
        for wrong in [
            "",
            "vpce-",
            "vpce-0A234567",
            "vpc-01234567",
            "vpce-0123456789abcdef01",
            "vpce-0123456*",
            "vpce-svc-0123456789abcdef0",
        ] {
            assert!(VpcEndpointId::parse(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "o-", "o-short", "o-A1B2C3D4E5", "r-a1b2c3d4e5", "o-a1b2c3d4e*"] {
            assert!(OrganizationId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
