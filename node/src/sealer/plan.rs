//! When to seal: a pure function of the turn.

use std::time::Duration;

use herald_chain::engine::clique::SealTurn;

/// What a signer does about the next block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Seals when this time since 1970 has come. Ends then, or with a new head.
    SealAt(Duration),
    /// Lets others go first. Ends with a new head.
    RecentlySigned,
    /// May not sign on this branch. Ends with a new head, after a vote.
    NotASigner,
    /// Has sealed this height, on another branch or before a restart. Ends with a new head.
    SealedBefore {
        /// The last height that it has sealed.
        until: u64,
    },
}

/// How long the signer in turn has to be heard of before anybody seals out of turn. EIP-225 knows
/// only the wiggle; but a wiggle drawn near zero costs a fork for nothing.
const HEAD_START: Duration = Duration::from_millis(200);

/// The plan for block `number`. In turn it is sealed as soon as its time has come; out of turn after
/// a head start and a random part of the wiggle, so that signers out of turn do not all seal at once.
pub(super) fn plan(
    turn: SealTurn,
    number: u64,
    last_sealed: Option<u64>,
    random_below: impl FnOnce(Duration) -> Duration,
) -> Plan {
    let (at, wait) = match turn {
        SealTurn::InTurn { at } => (at, Duration::ZERO),
        SealTurn::OutOfTurn { at, wiggle } => (at, HEAD_START.saturating_add(random_below(wiggle))),
        SealTurn::RecentlySigned { until: _ } => return Plan::RecentlySigned,
        SealTurn::NotASigner => return Plan::NotASigner,
    };
    match last_sealed {
        Some(until) if until >= number => Plan::SealedBefore { until },
        Some(_) | None => Plan::SealAt(Duration::from_secs(at).saturating_add(wait)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIGGLE: Duration = Duration::from_millis(1500);

    fn half(span: Duration) -> Duration {
        span / 2
    }

    #[test]
    fn in_turn_at_once_and_out_of_turn_with_wiggle() {
        assert_eq!(plan(SealTurn::InTurn { at: 100 }, 7, None, half), Plan::SealAt(Duration::from_secs(100)));
        assert_eq!(
            plan(SealTurn::OutOfTurn { at: 100, wiggle: WIGGLE }, 7, Some(6), half),
            Plan::SealAt(Duration::from_millis(100_950))
        );
    }

    #[test]
    fn a_height_sealed_before_is_never_sealed_again() {
        for turn in [SealTurn::InTurn { at: 100 }, SealTurn::OutOfTurn { at: 100, wiggle: WIGGLE }] {
            for last in [7, 8, u64::MAX] {
                assert_eq!(plan(turn, 7, Some(last), half), Plan::SealedBefore { until: last });
            }
        }
    }

    #[test]
    fn who_may_not_sign_waits() {
        assert_eq!(plan(SealTurn::RecentlySigned { until: 9 }, 7, None, half), Plan::RecentlySigned);
        assert_eq!(plan(SealTurn::NotASigner, 7, None, half), Plan::NotASigner);
    }
}
