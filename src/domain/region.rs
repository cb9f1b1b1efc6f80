//! AWS Regions: the format of their names, and the known ones.

use strum::IntoEnumIterator;

use super::account::is_invisible;
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
        let region = Region::parse(text).map_err(|malformed| self.offer(malformed, text))?;
        if KNOWN.contains(&region.as_str()) || self.extra.contains(&region) {
            return Ok(region);
        }
        let unknown = |more: String| Malformed::new("unknown_region", format!("{text} is not an AWS region{more}"));
        if self.guess(text).is_some() {
            return Err(self.offer(unknown(String::new()), text));
        }
        let start = text.split('-').next().unwrap_or_default();
        let near: Vec<String> = self.of(region.partition()).iter().map(ToString::to_string).collect();
        let near: Vec<&str> = near
            .iter()
            .map(String::as_str)
            .filter(|known| known.split('-').next() == Some(start))
            .collect();
        Err(unknown(if near.is_empty() {
            "; region codes look like eu-central-1".to_owned()
        } else {
            format!("; the regions that start with {start} are {}", near.join(", "))
        }))
    }

    fn offer(&self, malformed: Malformed, text: &str) -> Malformed {
        match self.guess(text) {
            Some(region) => malformed.suggest(region.as_str()),
            None => malformed,
        }
    }

    /// The region that was probably meant: by its code somewhere in the text, by its place, by the start of the names of its
    /// Availability Zones, or by a code with a typing error.
    fn guess(&self, text: &str) -> Option<Region> {
        let text: String = text.chars().filter(|c| !is_invisible(*c)).collect();
        let text = text.trim().trim_matches(['"', '\'', '`', ',']).to_lowercase();
        let known: Vec<&str> = KNOWN.iter().copied().chain(self.extra.iter().map(Region::as_str)).collect();
        // A console's address has its own region in the host name.
        let parameter = text
            .split_once("region=")
            .map(|(_, rest)| rest.split(['&', '#', '"', ' ']).next().unwrap_or_default());
        if let Some(code) = parameter.and_then(|code| known.iter().find(|known| **known == code)) {
            return Region::parse(code).ok();
        }
        let codes: Vec<&str> = known.iter().copied().filter(|code| text.contains(code)).collect();
        if codes.len() > 1 {
            return None;
        }
        let code = codes.first().copied();
        let place = || PLACES.iter().find(|(place, _)| text.contains(place)).map(|(_, code)| *code);
        // Without separators, as constants of SDKs are: EU_CENTRAL_1, EUCentral1.
        let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
        let constant = || {
            let text = letters(text.rsplit('.').next().unwrap_or_default());
            known.iter().copied().find(|code| letters(code) == text)
        };
        let zone = || {
            let short = text.split_once("-az").map_or(text.as_str(), |(short, _)| short);
            known.iter().copied().find(|code| zone_prefix(code) == short)
        };
        let typing_error = || {
            if text.len() > 32 {
                return None;
            }
            let distance = |code: &str| strsim::damerau_levenshtein(code, &text);
            let nearest = known.iter().copied().min_by_key(|code| distance(code))?;
            let alone = known.iter().filter(|code| distance(code) == distance(nearest)).count() == 1;
            (alone && distance(nearest) <= 2).then_some(nearest)
        };
        let found = old_constraint(&text)
            .or(code)
            .or_else(place)
            .or_else(constant)
            .or_else(zone)
            .or_else(typing_error)?;
        Region::parse(found).ok()
    }
}

/// The old location constraints of S3, which returns none for us-east-1.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html>
fn old_constraint(text: &str) -> Option<&'static str> {
    let value = text.split_once("locationconstraint").map_or(text, |(_, value)| value);
    match value.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
        "eu" => Some("eu-west-1"),
        "us" | "us-standard" | "us standard" | "null" | "none" => Some("us-east-1"),
        _ => None,
    }
}

/// The start of the IDs of a region's Availability Zones: `euc1` of `euc1-az1`.
/// <https://docs.aws.amazon.com/global-infrastructure/latest/regions/az-ids.html>
fn zone_prefix(code: &str) -> String {
    let mut words = code.split('-');
    let start = words.next().unwrap_or_default().to_owned();
    words.fold(start, |prefix, word| {
        prefix
            + match word {
                "northeast" => "ne",
                "northwest" => "nw",
                "southeast" => "se",
                other if other.starts_with(|c: char| c.is_ascii_digit()) => other,
                other => &other[..1],
            }
    })
}

/// How AWS names its regions, in lowercase.
const PLACES: &[(&str, &str)] = &[
    ("govcloud (us-east)", "us-gov-east-1"),
    ("govcloud (us-west)", "us-gov-west-1"),
    ("govcloud us-east", "us-gov-east-1"),
    ("govcloud us-west", "us-gov-west-1"),
    ("cape town", "af-south-1"),
    ("hong kong", "ap-east-1"),
    ("taipei", "ap-east-2"),
    ("tokyo", "ap-northeast-1"),
    ("seoul", "ap-northeast-2"),
    ("osaka", "ap-northeast-3"),
    ("mumbai", "ap-south-1"),
    ("hyderabad", "ap-south-2"),
    ("singapore", "ap-southeast-1"),
    ("sydney", "ap-southeast-2"),
    ("jakarta", "ap-southeast-3"),
    ("melbourne", "ap-southeast-4"),
    ("malaysia", "ap-southeast-5"),
    ("kuala lumpur", "ap-southeast-5"),
    ("new zealand", "ap-southeast-6"),
    ("auckland", "ap-southeast-6"),
    ("thailand", "ap-southeast-7"),
    ("bangkok", "ap-southeast-7"),
    ("calgary", "ca-west-1"),
    ("canada west", "ca-west-1"),
    ("montreal", "ca-central-1"),
    ("montréal", "ca-central-1"),
    ("canada (central)", "ca-central-1"),
    ("canada central", "ca-central-1"),
    ("frankfurt", "eu-central-1"),
    ("zurich", "eu-central-2"),
    ("zürich", "eu-central-2"),
    ("stockholm", "eu-north-1"),
    ("milan", "eu-south-1"),
    ("spain", "eu-south-2"),
    ("ireland", "eu-west-1"),
    ("dublin", "eu-west-1"),
    ("london", "eu-west-2"),
    ("paris", "eu-west-3"),
    ("tel aviv", "il-central-1"),
    ("israel", "il-central-1"),
    ("uae", "me-central-1"),
    ("bahrain", "me-south-1"),
    ("mexico", "mx-central-1"),
    ("são paulo", "sa-east-1"),
    ("sao paulo", "sa-east-1"),
    ("virginia", "us-east-1"),
    ("ohio", "us-east-2"),
    ("california", "us-west-1"),
    ("oregon", "us-west-2"),
    ("beijing", "cn-north-1"),
    ("ningxia", "cn-northwest-1"),
    ("brandenburg", "eusc-de-east-1"),
];

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

    #[rstest]
    #[case("EU", "eu-west-1")]
    #[case("s3-us-west-2", "us-west-2")]
    #[case("EU(Ireland)", "eu-west-1")]
    #[case("EU (Frankfurt) eu-central-1", "eu-central-1")]
    #[case("EU-CENTRAL-1", "eu-central-1")]
    #[case("Frankfurt", "eu-central-1")]
    #[case("Eu-cenrtal-1", "eu-central-1")]
    #[case("eu-centrl-1", "eu-central-1")]
    #[case("us-gov-west-1a", "us-gov-west-1")]
    #[case("US Standard", "us-east-1")]
    #[case("{\n    \"LocationConstraint\": null\n}", "us-east-1")]
    #[case("{\"LocationConstraint\": \"EU\"}", "eu-west-1")]
    #[case("None", "us-east-1")]
    #[case("US East (N. Virginia)", "us-east-1")]
    #[case("AWS GovCloud (US-East)", "us-gov-east-1")]
    #[case("eu_central_1", "eu-central-1")]
    #[case("Region.EU_CENTRAL_1", "eu-central-1")]
    #[case("apsoutheast2", "ap-southeast-2")]
    #[case("apse2-az1", "ap-southeast-2")]
    #[case("use1-az4", "us-east-1")]
    #[case("\u{feff}eu-central-1", "eu-central-1")]
    #[case("\"eu-central-1\"", "eu-central-1")]
    #[case("s3.dualstack.eu-west-1.amazonaws.com", "eu-west-1")]
    #[case(
        "https://us-east-1.console.aws.amazon.com/s3/buckets/a?region=eu-west-3&tab=properties",
        "eu-west-3"
    )]
    #[case("arn:aws:kms:eu-north-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab", "eu-north-1")]
    fn the_region_that_was_meant_is_offered(#[case] text: &str, #[case] meant: &str) {
        let fault = Regions::default().parse(text).unwrap_err();
        assert!(fault.detail.ends_with(&format!("did you mean {meant}?")), "{}", fault.detail);
    }

    #[rstest]
    #[case("eu-central-1 or eu-west-1")]
    #[case("europe-west3")]
    #[case("earth")]
    fn nothing_is_offered_for_a_text_that_is_not_clear(#[case] text: &str) {
        assert_eq!(Regions::default().parse(text).unwrap_err().suggestion, None);
    }

    #[test]
    fn regions_of_other_partitions_are_not_listed() {
        let fault = Regions::default().parse("eu-fantasy-1").unwrap_err();
        assert!(
            fault.detail.contains("eu-west-3") && !fault.detail.contains("isoe"),
            "{}",
            fault.detail
        );
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
