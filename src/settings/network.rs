//! Settings of the network that the vendor's calls to AWS come from.

use std::str::FromStr;

use clap::Args;
use ipnet::IpNet;
use reqwest::Url;

use super::ConfigError;
use super::login_url::user_and_password;
use super::value::{Format, network};
use crate::cloud::OutsideProxy;
use crate::domain::vendor_network::{OrganizationId, VendorNetwork, VpcEndpointId, VpcEndpoints};
use crate::domain::webhook::target::is_public;

const SOURCE_IPS: Format = Format("public addresses or networks separated by commas", "52.57.10.20,52.57.10.32/28");
const ENDPOINTS: Format = Format(
    "IDs of VPC endpoints separated by commas",
    "vpce-0123456789abcdef0,vpce-0123456789abcdef1",
);
const ORGANIZATION: Format = Format("the ID of an organization", "o-a1b2c3d4e5");
const PROXY: Format = Format(
    "the URL of an HTTP proxy, with a user name and a password if it requires them",
    "http://proxy.vendor.example:3128",
);

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkSettings {
    /// Public addresses from which your services and Latchkey call AWS over the internet, such as those of your NAT gateways, separated
    /// by commas. With this or one of the next two settings, customers' documents deny your role every call from elsewhere: see
    /// docs/operators/network.md before you set them.
    #[arg(long = "network-source-ips", env = "LATCHKEY_NETWORK_SOURCE_IPS", id = "network_source_ips", value_delimiter = ',', value_name = "NETWORKS",
          value_parser = SOURCE_IPS.parser(public_network))]
    source_ips: Vec<IpNet>,

    /// VPC endpoints through which your services and Latchkey call S3 and KMS, in every region of your customers, separated by commas.
    #[arg(long = "network-vpc-endpoints", env = "LATCHKEY_NETWORK_VPC_ENDPOINTS", id = "network_vpc_endpoints", value_delimiter = ',', value_name = "ENDPOINTS",
          value_parser = ENDPOINTS.parser(VpcEndpointId::parse))]
    vpc_endpoints: Vec<VpcEndpointId>,

    /// Your organization in AWS Organizations, if all its VPC endpoints may be used (`aws:VpceOrgID`).
    #[arg(long = "network-org-id", env = "LATCHKEY_NETWORK_ORG_ID", id = "network_org_id", value_name = "ORGANIZATION", value_parser = ORGANIZATION.parser(OrganizationId::parse))]
    org_id: Option<OrganizationId>,

    /// HTTP proxy (CONNECT) whose own calls come from outside of that network. Verifications then prove that customers deny such calls:
    /// the check `network-restricted`.
    #[arg(long = "network-outside-proxy", env = "LATCHKEY_NETWORK_OUTSIDE_PROXY", id = "network_outside_proxy", hide_env_values = true, value_name = "URL", value_parser = PROXY.parser(OutsideProxy::from_str))]
    outside_proxy: Option<OutsideProxy>,
}

impl NetworkSettings {
    /// The network, and the proxy outside of it. None if customers need not restrict access to it.
    ///
    /// # Errors
    /// If the settings contradict each other, or name too much.
    pub(crate) fn network(self) -> Result<(Option<VendorNetwork>, Option<OutsideProxy>), ConfigError> {
        let named = self.source_ips.len() + self.vpc_endpoints.len();
        if named > VendorNetwork::MOST {
            let fault = format!(
                "{named} networks and endpoints, but {} is the most; combine addresses into networks, or name your organization",
                VendorNetwork::MOST
            );
            let (format, variable) = if self.source_ips.is_empty() {
                (ENDPOINTS, "LATCHKEY_NETWORK_VPC_ENDPOINTS")
            } else {
                (SOURCE_IPS, "LATCHKEY_NETWORK_SOURCE_IPS")
            };
            return Err(format.error(variable, fault));
        }
        let endpoints = match self.org_id {
            Some(_) if !self.vpc_endpoints.is_empty() => {
                let fault = "LATCHKEY_NETWORK_VPC_ENDPOINTS is set as well; name your endpoints or your organization, not both";
                return Err(ORGANIZATION.error("LATCHKEY_NETWORK_ORG_ID", fault));
            }
            Some(organization) => VpcEndpoints::OfOrganization(organization),
            None => VpcEndpoints::These(self.vpc_endpoints),
        };
        let network = VendorNetwork {
            source_ips: self.source_ips,
            endpoints,
            is_probed: self.outside_proxy.is_some(),
        };
        if network.origins().is_empty() {
            return match self.outside_proxy {
                Some(_) => {
                    let fault = "set, but the network that it is outside of is not; set LATCHKEY_NETWORK_SOURCE_IPS, \
                                 LATCHKEY_NETWORK_VPC_ENDPOINTS or LATCHKEY_NETWORK_ORG_ID, or leave it out";
                    Err(PROXY.error("LATCHKEY_NETWORK_OUTSIDE_PROXY", fault))
                }
                None => Ok((None, None)),
            };
        }
        Ok((Some(network), self.outside_proxy))
    }
}

/// AWS sees public addresses only. A network with others in it would be wider than anybody means.
fn public_network(text: &str) -> Result<IpNet, String> {
    let network = network(text)?;
    if is_public(&network) {
        Ok(network)
    } else {
        Err(format!(
            "{text} is not a public address or network; AWS sees the public addresses of your NAT gateways"
        ))
    }
}

impl FromStr for OutsideProxy {
    type Err = &'static str;

    /// The errors never quote the URL, which may contain a password.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut url = Url::parse(text).map_err(|_| "not a URL")?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err("does not start with http:// or https:// and a host");
        }
        let login = match user_and_password(&url)? {
            (None, None) => None,
            (Some(user), Some(password)) => Some((user, password)),
            _ => return Err("has a user name without a password, or a password without a user name"),
        };
        // A URL with a host can have neither.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Self { url, login })
    }
}
