//! What the vendor asks for beyond what Latchkey needs is proven, in the waves of everything else.

use super::*;

pub(super) fn every_extra_action() -> ExtraActions {
    ExtraActions::new(&ExtraAction::all().collect::<Vec<_>>())
}

/// What the vendor asks for is proven in the same waves as everything else.
#[rstest]
#[tokio::test(start_paused = true)]
async fn extra_actions_take_no_round_trip_of_their_own(#[values(Mode::AssumeRole, Mode::Direct)] mode: Mode) {
    let mut took = Vec::new();
    for extra in [ExtraActions::default(), every_extra_action()] {
        let cloud = Scripted::new();
        let begun = paused_now();
        let report = verify_asking(&cloud, extra, &subject(mode)).await;
        took.push(begun.elapsed());
        assert_eq!(verdict(&report), Verdict::Verified, "{:#?}", report.findings);
    }
    assert_eq!(took[0], took[1]);
}

/// Each action that is denied to the tenant's own session fails the check, and the fix allows it.
#[rstest]
#[tokio::test(start_paused = true)]
async fn each_extra_action_is_proven(
    #[values(Mode::AssumeRole, Mode::Direct)] mode: Mode,
    #[values(AccessLevel::ReadWrite, AccessLevel::Read)] level: AccessLevel,
) {
    let extra = every_extra_action();
    for call in extra.calls(level) {
        let cloud = Scripted {
            refused: Some(call.action()),
            ..Scripted::new()
        };
        let mut subject = subject(mode);
        subject.storage.level = level;
        let report = verify_asking(&cloud, extra.clone(), &subject).await;
        let failed: Vec<&Finding> = report
            .findings
            .iter()
            .filter(|finding| finding.status == CheckStatus::Failed)
            .collect();
        assert_eq!(failed.len(), 1, "{}: {failed:#?}", call.action());
        assert_eq!(failed[0].check, CheckName::ExtraActionsAllowed);
        let fix = failed[0].fix.as_ref().unwrap();
        let actions = &fix.statement.as_ref().unwrap()["Action"];
        assert!(actions.as_array().unwrap().iter().any(|action| action == call.action()), "{fix:?}");
    }
}

/// A caller without the tenant's external ID who is allowed one of these calls is found out.
#[rstest]
#[tokio::test(start_paused = true)]
async fn each_extra_action_must_be_denied_to_others(
    #[values(Mode::AssumeRole, Mode::Direct)] mode: Mode,
    #[values(AccessLevel::ReadWrite, AccessLevel::Read)] level: AccessLevel,
) {
    let extra = every_extra_action();
    for call in extra.calls(level) {
        let cloud = Scripted {
            allowed_to_others: Some(call.action()),
            ..Scripted::new()
        };
        let mut subject = subject(mode);
        subject.storage.level = level;
        let report = verify_asking(&cloud, extra.clone(), &subject).await;
        let failed: Vec<CheckName> = report
            .findings
            .iter()
            .filter(|finding| finding.status == CheckStatus::Failed)
            .map(|finding| finding.check)
            .collect();
        let expected: &[CheckName] = match (call, level) {
            (ExtraCall::Key(_), AccessLevel::ReadWrite) => &[CheckName::KeyRequiresExternalId],
            (ExtraCall::Key(_), AccessLevel::Read) => &[CheckName::KeyDescriptionRequiresExternalId],
            // Access is granted without credentials as well, which is the cause of the other.
            _ => &[CheckName::BucketNotPublic],
        };
        assert_eq!(failed, expected, "{}", call.action());
    }
}

async fn verify_asking(cloud: &Scripted, extra: ExtraActions, subject: &VerificationSubject) -> RunReport {
    let clock: SharedClock = std::sync::Arc::new(SystemClock);
    let vendor = Vendor {
        extra,
        ..Vendor::unnamed()
    };
    let (found, _findings) = unbounded_channel();
    let lease = Left(Some(Duration::from_mins(1)));
    run(cloud, &clock, &vendor, subject, &lease, found, &CancellationToken::new()).await
}
