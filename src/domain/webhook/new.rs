//! The input for creating a webhook.

use strum::IntoEnumIterator;

use super::target::{AllowedNetworks, WebhookUrl};
use super::{Topic, WebhookDescription};
use crate::domain::text::{FieldError, Malformed};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    pub url: WebhookUrl,
    pub topics: Vec<Topic>,
    pub description: Option<WebhookDescription>,
}

impl NewWebhook {
    /// Validates the input. Without a list of events, the webhook receives all of them.
    ///
    /// # Errors
    /// Every invalid field.
    pub fn validate(
        url: Option<&str>,
        events: Option<&[String]>,
        description: Option<&str>,
        allowed: &AllowedNetworks,
    ) -> Result<Self, Vec<FieldError>> {
        let mut faults = Vec::new();
        let missing = || {
            Malformed::new(
                "required",
                "enter the URL that receives messages, such as https://hooks.vendor.example/latchkey",
            )
        };
        let url = url
            .filter(|url| !url.trim().is_empty())
            .ok_or_else(missing)
            .and_then(|url| WebhookUrl::parse(url, allowed))
            .map_err(|malformed| faults.push(FieldError::of("url", malformed)))
            .ok();
        let topics = topics(events, &mut faults);
        let description = description
            .map(WebhookDescription::parse)
            .transpose()
            .map_err(|malformed| faults.push(FieldError::of("description", malformed)))
            .unwrap_or_default();
        match url {
            Some(url) if faults.is_empty() => Ok(Self { url, topics, description }),
            _ => Err(faults),
        }
    }
}

fn topics(events: Option<&[String]>, faults: &mut Vec<FieldError>) -> Vec<Topic> {
    let Some(events) = events else {
        return Topic::iter().collect();
    };
    if events.is_empty() {
        faults.push(FieldError::new(
            "events",
            "required",
            "name at least one event, or omit the field for all of them",
        ));
    }
    let mut topics = Vec::new();
    for (at, event) in events.iter().enumerate() {
        match event.trim().parse::<Topic>() {
            Ok(topic) if topics.contains(&topic) => {}
            Ok(topic) => topics.push(topic),
            Err(_) => {
                let known: Vec<String> = Topic::iter().map(|topic| topic.to_string()).collect();
                let detail = format!("unknown event; use {}", known.join(" and "));
                faults.push(FieldError::new(&format!("events[{at}]"), "unknown_event", detail));
            }
        }
    }
    topics
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validate(url: &str, events: Option<&[&str]>, description: Option<&str>) -> Result<NewWebhook, Vec<String>> {
        let events: Option<Vec<String>> = events.map(|events| events.iter().map(ToString::to_string).collect());
        NewWebhook::validate(Some(url), events.as_deref(), description, &AllowedNetworks::default())
            .map_err(|faults| faults.into_iter().map(|fault| format!("{} {}", fault.field, fault.code)).collect())
    }

    #[test]
    fn events_default_to_all_and_are_deduplicated() {
        let all = validate("https://hooks.vendor.example/", None, None).unwrap();
        assert_eq!(all.topics, Topic::iter().collect::<Vec<_>>());
        let twice = ["verification.finished", "verification.finished"];
        let one = validate("https://hooks.vendor.example/", Some(&twice), Some(" Billing ")).unwrap();
        assert_eq!(one.topics, [Topic::VerificationFinished]);
        assert_eq!(one.description.unwrap().as_str(), "Billing");
    }

    #[test]
    fn every_error_is_reported() {
        let faults = validate("http://10.0.0.1/", Some(&["verification.finished", "tenant.born"]), Some("\n")).unwrap_err();
        assert_eq!(
            faults,
            ["url refused_target", "events[1] unknown_event", "description malformed_description"]
        );
        assert_eq!(validate(" ", Some(&[]), None).unwrap_err(), ["url required", "events required"]);
    }
}
