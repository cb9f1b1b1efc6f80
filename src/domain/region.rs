//! AWS Regions: the format of their names, and the known ones.

use strum::IntoEnumIterator;

use super::partition::Partition;
use super::text::{Malformed, checked_text};

/// All AWS Regions, including opt-in ones.
/// <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>, and botocore's `partitions.json`
/// for the partitions without a public page. `LATCHKEY_EXTRA_REGIONS` adds newer ones.
const KNOWN: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "cn-north-1",
    "cn-northwest-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "eu-isoe-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "eusc-de-east-1",
];

/// A well-formed region code, such as `eu-central-1`. Whether the region exists is checked by [`Regions`].
///
/// ```
/// use latchkey::domain::region::{Region, Regions};
///
/// let region = Region::parse("us-gov-west-1").unwrap();
/// assert_eq!(region.partition().to_string(), "aws-us-gov");
///
/// assert!(Regions::default().parse("eu-central-1").is_ok());
/// assert!(Regions::default().parse("eu-central-9").is_err());
/// assert_eq!(Region::parse("Frankfurt").unwrap_err().code, "malformed_region");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Region(String);

impl Region {
    /// # Errors
    /// `malformed_region`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let parts: Vec<&str> = text.split('-').collect();
        let lower = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
        let well_formed = match parts.split_last() {
            Some((number, words)) => {
                (2..=4).contains(&words.len())
                    && words.iter().all(lower)
                    && (1..=2).contains(&number.len())
                    && number.bytes().all(|b| b.is_ascii_digit())
            }
            None => false,
        };
        if !well_formed || text.len() > 32 {
            return Err(Malformed::new(
                "malformed_region",
                "enter the region's code, such as eu-central-1, not its display name",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an account has to enable the region before it can be used there.
    /// <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>
    pub fn is_opt_in(&self) -> bool {
        const ALWAYS_ENABLED: [&str; 17] = [
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-southeast-1",
            "ap-southeast-2",
            "ca-central-1",
            "eu-central-1",
            "eu-north-1",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "sa-east-1",
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
        ];
        self.partition() == Partition::Aws && !ALWAYS_ENABLED.contains(&self.as_str())
    }

    /// The partition of a region with this name, known or not.
    pub fn partition(&self) -> Partition {
        Partition::iter()
            .find(|partition| partition.region_prefixes().iter().any(|prefix| self.0.starts_with(prefix)))
            .unwrap_or(Partition::Aws)
    }
}
checked_text!(Region);

/// The regions that customers may use: those of AWS, and those that the vendor added.
#[derive(Debug, Clone, Default)]
pub struct Regions {
    extra: Vec<Region>,
}

impl Regions {
    /// All known regions of a partition, sorted by name.
    pub fn of(&self, partition: Partition) -> Vec<Region> {
        let known = KNOWN.iter().filter_map(|text| Region::parse(text).ok());
        let mut regions: Vec<Region> = known
            .chain(self.extra.iter().cloned())
            .filter(|region| region.partition() == partition)
            .collect();
        regions.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        regions.dedup();
        regions
    }

    pub fn with_extra(extra: Vec<Region>) -> Self {
        Self { extra }
    }

    /// # Errors
    /// `malformed_region`, or `unknown_region`, which suggests regions with a similar name.
    pub fn parse(&self, text: &str) -> Result<Region, Malformed> {
        let region = Region::parse(text)?;
        if KNOWN.contains(&region.as_str()) || self.extra.contains(&region) {
            return Ok(region);
        }
        let start = text.split('-').next().unwrap_or_default();
        let near: Vec<&str> = KNOWN
            .iter()
            .copied()
            .filter(|known| known.split('-').next() == Some(start))
            .collect();
        let detail = if near.is_empty() {
            format!("{text} is not an AWS region; region codes look like eu-central-1")
        } else {
            format!(
                "{text} is not an AWS region; the regions that start with {start} are {}",
                near.join(", ")
            )
        };
        Err(Malformed::new("unknown_region", detail))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn every_known_region_is_well_formed_and_accepted() {
        for name in KNOWN {
            assert_eq!(Regions::default().parse(name).unwrap().as_str(), *name);
        }
    }

    #[rstest]
    #[case("eu-central-1", Partition::Aws)]
    #[case("us-gov-west-1", Partition::UsGov)]
    #[case("cn-north-1", Partition::China)]
    #[case("us-iso-east-1", Partition::Iso)]
    #[case("us-isob-east-1", Partition::IsoB)]
    #[case("eu-isoe-west-1", Partition::IsoE)]
    #[case("us-isof-south-1", Partition::IsoF)]
    #[case("eusc-de-east-1", Partition::EuSovereign)]
    fn a_region_has_a_partition(#[case] name: &str, #[case] partition: Partition) {
        assert_eq!(Region::parse(name).unwrap().partition(), partition);
    }

    #[rstest]
    #[case("US East (N. Virginia)", "malformed_region")]
    #[case("eu-central-1a", "malformed_region")]
    #[case("", "malformed_region")]
    #[case("eu-west-9", "unknown_region")]
    fn an_invalid_region_is_refused(#[case] text: &str, #[case] code: &str) {
        assert_eq!(Regions::default().parse(text).unwrap_err().code, code);
    }

    #[test]
    fn an_unknown_region_suggests_similar_ones() {
        let fault = Regions::default().parse("il-west-1").unwrap_err();
        assert!(fault.detail.contains("il-central-1"), "{}", fault.detail);
    }

    #[test]
    fn the_vendor_can_add_a_region() {
        let regions = Regions::with_extra(vec![Region::parse("xx-new-1").unwrap()]);
        assert!(regions.parse("xx-new-1").is_ok());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in any::<String>()) {
            let _ = Regions::default().parse(&text);
        }
    }
}
