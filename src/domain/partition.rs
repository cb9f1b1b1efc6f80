//! AWS partitions, which share no identities. Everything that differs between them is in this file.

use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, EnumIter, IntoStaticStr)]
pub enum Partition {
    #[strum(serialize = "aws")]
    Aws,
    #[strum(serialize = "aws-cn")]
    China,
    #[strum(serialize = "aws-us-gov")]
    UsGov,
    #[strum(serialize = "aws-iso")]
    Iso,
    #[strum(serialize = "aws-iso-b")]
    IsoB,
    #[strum(serialize = "aws-iso-e")]
    IsoE,
    #[strum(serialize = "aws-iso-f")]
    IsoF,
    #[strum(serialize = "aws-eusc")]
    EuSovereign,
}

impl Partition {
    /// The last part of the host name of every endpoint.
    pub fn dns_suffix(self) -> &'static str {
        match self {
            Self::Aws | Self::UsGov => "amazonaws.com",
            Self::China => "amazonaws.com.cn",
            Self::Iso => "c2s.ic.gov",
            Self::IsoB => "sc2s.sgov.gov",
            Self::IsoE => "cloud.adc-e.uk",
            Self::IsoF => "csp.hci.ic.gov",
            Self::EuSovereign => "amazonaws.eu",
        }
    }

    /// The console's host, without a region.
    pub fn console_host(self) -> &'static str {
        match self {
            Self::Aws => "console.aws.amazon.com",
            Self::China => "console.amazonaws.cn",
            Self::UsGov => "console.amazonaws-us-gov.com",
            Self::Iso => "console.c2shome.ic.gov",
            Self::IsoB => "console.sc2shome.sgov.gov",
            Self::IsoE => "console.csphome.adc-e.uk",
            Self::IsoF => "console.csphome.hci.ic.gov",
            Self::EuSovereign => "console.amazonaws-eusc.eu",
        }
    }

    /// The prefixes of this partition's region codes. `Aws` has no common prefix.
    pub(super) fn region_prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Aws => &[],
            Self::China => &["cn-"],
            Self::UsGov => &["us-gov-"],
            Self::Iso => &["us-iso-"],
            Self::IsoB => &["us-isob-"],
            Self::IsoE => &["eu-isoe-"],
            Self::IsoF => &["us-isof-"],
            Self::EuSovereign => &["eusc-"],
        }
    }

    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
