//! When to seal: a pure function of the turn.

use std::time::Duration;

use herald_chain::engine::{NotNow, SealTurn};

/// What a signer does about the next block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Seals when this time since 1970 has come. Ends then, or with a new head.
    SealAt(Duration),
    /// Does not seal on top of this head. Ends with a new one.
    NotNow(NotNow),
    /// Has sealed this height, on another branch or before a restart. Ends with a new head.
    SealedBefore {
        /// The last height that it has sealed.
        until: u64,
    },
}

/// How long the signer in turn has to be heard of before anybody seals out of turn. EIP-225 knows
/// only the spread; but a part of it drawn near zero costs a fork for nothing.
const HEAD_START: Duration = Duration::from_millis(200);

/// The plan for block `number`. In turn it is sealed as soon as its time has come; out of turn after
/// a head start and a random part of the spread, so that signers out of turn do not all seal at once.
pub(super) fn plan(
    turn: SealTurn,
    number: u64,
    last_sealed: Option<u64>,
    random_below: impl FnOnce(Duration) -> Duration,
) -> Plan {
    let (at, wait) = match turn {
        SealTurn::InTurn { at } => (at, Duration::ZERO),
        SealTurn::OutOfTurn { at, spread } => (at, HEAD_START.saturating_add(random_below(spread))),
        SealTurn::NotNow(why) => return Plan::NotNow(why),
    };
    match last_sealed {
        Some(until) if until >= number => Plan::SealedBefore { until },
        Some(_) | None => Plan::SealAt(Duration::from_secs(at).saturating_add(wait)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPREAD: Duration = Duration::from_millis(1500);

    fn half(span: Duration) -> Duration {
        span / 2
    }

    #[test]
    fn in_turn_at_once_and_out_of_turn_after_a_part_of_the_spread() {
        assert_eq!(plan(SealTurn::InTurn { at: 100 }, 7, None, half), Plan::SealAt(Duration::from_secs(100)));
        assert_eq!(
            plan(SealTurn::OutOfTurn { at: 100, spread: SPREAD }, 7, Some(6), half),
            Plan::SealAt(Duration::from_millis(100_950))
        );
    }

    #[test]
    fn a_height_sealed_before_is_never_sealed_again() {
        for turn in [SealTurn::InTurn { at: 100 }, SealTurn::OutOfTurn { at: 100, spread: SPREAD }] {
            for last in [7, 8, u64::MAX] {
                assert_eq!(plan(turn, 7, Some(last), half), Plan::SealedBefore { until: last });
            }
        }
    }

    #[test]
    fn who_may_not_sign_waits() {
        for why in [NotNow::RecentlySigned { until: 9 }, NotNow::NotASigner, NotNow::Because("no work")] {
            assert_eq!(plan(SealTurn::NotNow(why), 7, None, half), Plan::NotNow(why));
        }
    }
}
