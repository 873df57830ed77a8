//! What runs in the nodes: the policies that are compared.

use herald_fetcher::{Config, FanOut};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// What runs in the nodes.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum Policy {
    /// Our fetcher with `Config::default()`.
    Herald,
    /// Our fetcher with geth's figures and fixed waits, `Config::geth()`.
    GethTimers,
    /// A model of geth's own fetcher, with its known faults.
    GethModel,
    /// Our fetcher, blocks only announced.
    AnnounceOnly,
    /// Our fetcher, blocks sent whole to all who lack them.
    PushToAll,
}

impl Policy {
    /// All policies, in the order in which reports show them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in scenarios, files and on the command line.
    pub fn label(self) -> &'static str {
        self.into()
    }

    /// The fetcher's configuration under this policy, before a scenario changes any of it.
    pub(super) fn config(self) -> Config {
        match self {
            Self::Herald => Config::default(),
            Self::GethTimers | Self::GethModel => Config::geth(),
            Self::AnnounceOnly => Config::default().with(|config| config.fan_out = FanOut::None),
            Self::PushToAll => Config::default().with(|config| config.fan_out = FanOut::All),
        }
    }
}
