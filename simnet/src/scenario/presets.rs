//! Published tables of regions, latencies, bandwidths and degrees, as facts.
//!
//! Latencies, bandwidths, the distributions of Bitcoin, Litecoin and Dogecoin nodes, and the degrees:
//! SimBlock, `dsg-titech/simblock` at commit 5fc7f9f (Apache-2.0), in
//! `simulator/src/main/java/simblock/settings/NetworkConfiguration.java`. The distribution of Ethereum
//! nodes: JABS, `hyajam/jabs` at commit c41a56d (MIT), for the same six regions.
//!
//! SimBlock's latencies are the means of a Pareto distribution, one way; here they are a link's
//! latency. Its seventh bandwidth, "inter-regional", is never read by it, and is not here.

use serde::{Deserialize, Serialize};

use super::units::{BitRate, Span};
use super::{Regions, Topology};

const NAMES: [&str; 6] = ["north-america", "europe", "south-america", "asia-pacific", "japan", "australia"];

/// In which year latencies and bandwidths were measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NetworkYear {
    /// In 2015.
    #[serde(rename = "2015")]
    Of2015,
    /// In 2019.
    #[serde(rename = "2019")]
    Of2019,
}

/// Whose nodes are distributed over the regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Distribution {
    /// Bitcoin's of 2015.
    #[serde(rename = "bitcoin_2015")]
    Bitcoin2015,
    /// Bitcoin's of 2019.
    #[serde(rename = "bitcoin_2019")]
    Bitcoin2019,
    /// Litecoin's.
    Litecoin,
    /// Dogecoin's.
    Dogecoin,
    /// Ethereum's, by JABS.
    Ethereum,
}

/// How many connections nodes open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutboundDegrees {
    /// Bitcoin's of 2015, which SimBlock takes for 2019 too.
    #[serde(rename = "bitcoin_2015")]
    Bitcoin2015,
    /// Litecoin's.
    Litecoin,
    /// Dogecoin's: 8 each.
    Dogecoin,
}

impl NetworkYear {
    const fn latency_ms(self) -> [[u64; 6]; 6] {
        match self {
            Self::Of2015 => [
                [36, 119, 255, 310, 154, 208],
                [119, 12, 221, 242, 266, 350],
                [255, 221, 137, 347, 256, 269],
                [310, 242, 347, 99, 172, 278],
                [154, 266, 256, 172, 9, 163],
                [208, 350, 269, 278, 163, 22],
            ],
            Self::Of2019 => [
                [32, 124, 184, 198, 151, 189],
                [124, 11, 227, 237, 252, 294],
                [184, 227, 88, 325, 301, 322],
                [198, 237, 325, 85, 58, 198],
                [151, 252, 301, 58, 12, 126],
                [189, 294, 322, 198, 126, 16],
            ],
        }
    }

    const fn up_kbit(self) -> [u64; 6] {
        match self {
            Self::Of2015 => [4_700, 8_100, 1_800, 5_300, 3_400, 5_200],
            Self::Of2019 => [19_200, 20_700, 5_800, 15_700, 10_200, 11_300],
        }
    }

    const fn down_kbit(self) -> [u64; 6] {
        match self {
            Self::Of2015 => [25_000, 24_000, 6_500, 10_000, 17_500, 14_000],
            Self::Of2019 => [52_000, 40_000, 18_000, 22_800, 22_800, 29_900],
        }
    }

    /// The distribution of Bitcoin's nodes in that year.
    pub const fn distribution(self) -> Distribution {
        match self {
            Self::Of2015 => Distribution::Bitcoin2015,
            Self::Of2019 => Distribution::Bitcoin2019,
        }
    }
}

impl Distribution {
    const fn shares(self) -> [f64; 6] {
        match self {
            Self::Bitcoin2015 => [0.3869, 0.5159, 0.0113, 0.0574, 0.0119, 0.0166],
            Self::Bitcoin2019 => [0.3316, 0.4998, 0.0090, 0.1177, 0.0224, 0.0195],
            Self::Litecoin => [0.3661, 0.4791, 0.0149, 0.1022, 0.0238, 0.0139],
            Self::Dogecoin => [0.3924, 0.4879, 0.0212, 0.0697, 0.0106, 0.0182],
            Self::Ethereum => [0.3503, 0.3563, 0.0100, 0.2358, 0.0414, 0.0062],
        }
    }
}

impl OutboundDegrees {
    const fn cumulative(self) -> &'static [f64] {
        match self {
            Self::Bitcoin2015 => &[
                0.025, 0.05, 0.075, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.97,
                0.98, 0.99, 0.995, 1.0,
            ],
            Self::Litecoin => &[
                0.01, 0.02, 0.04, 0.07, 0.09, 0.14, 0.2, 0.28, 0.39, 0.5, 0.6, 0.69, 0.76, 0.81, 0.85, 0.87,
                0.89, 0.92, 0.93, 1.0,
            ],
            Self::Dogecoin => &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
        }
    }
}

impl Regions {
    /// SimBlock's six regions, with the latencies and bandwidths of one year and the nodes of one
    /// network.
    pub fn preset(network: NetworkYear, distribution: Distribution) -> Self {
        Self {
            names: NAMES.map(String::from).into(),
            shares: distribution.shares().into(),
            latency: network.latency_ms().map(|row| row.map(Span::ms).into()).into(),
            up: network.up_kbit().map(BitRate::kbit).into(),
            down: network.down_kbit().map(BitRate::kbit).into(),
        }
    }
}

impl Topology {
    /// A published table of the connections that nodes open.
    pub fn degrees(preset: OutboundDegrees) -> Self {
        Self::Degrees { cumulative: preset.cumulative().into() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use serde_json::Value;

    use super::*;

    fn data(file: &str) -> Option<Value> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
        if !std::path::Path::new(folder).exists() {
            println!("skipped: {folder} is not here");
            return None;
        }
        let text = std::fs::read_to_string(format!("{folder}/simnet/{file}")).unwrap();
        Some(serde_json::from_str(&text).unwrap())
    }

    fn numbers(value: &Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    }

    #[test]
    fn the_tables_are_those_of_simblock() {
        let Some(data) = data("simblock_params.json") else { return };
        let names: Vec<_> =
            data["regions"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(names.iter().map(|name| name.to_lowercase().replace('_', "-")).collect::<Vec<_>>(), NAMES);
        for (year, network) in [("2015", NetworkYear::Of2015), ("2019", NetworkYear::Of2019)] {
            let regions = Regions::preset(network, network.distribution());
            for (ours, theirs) in
                regions.latency.iter().zip(data["latency_ms_mean"][year].as_array().unwrap())
            {
                let ours: Vec<_> = ours.iter().map(|latency| latency.0 as f64 / 1e6).collect();
                assert_eq!(ours, numbers(theirs));
            }
            for (ours, theirs) in [(regions.up, "upload_bps"), (regions.down, "download_bps")] {
                let ours: Vec<_> = ours.iter().map(|rate| rate.0 as f64).collect();
                assert_eq!(ours, numbers(&data[theirs][year])[..6], "{theirs}");
            }
        }
        let distributions = [
            ("bitcoin_2015", Distribution::Bitcoin2015),
            ("bitcoin_2019", Distribution::Bitcoin2019),
            ("litecoin", Distribution::Litecoin),
            ("dogecoin", Distribution::Dogecoin),
        ];
        for (name, ours) in distributions {
            assert_eq!(ours.shares().to_vec(), numbers(&data["region_distribution"][name]), "{name}");
            assert_eq!(serde_json::to_value(ours).unwrap(), name);
        }
        let degrees = [
            ("bitcoin_2015", OutboundDegrees::Bitcoin2015),
            ("litecoin", OutboundDegrees::Litecoin),
            ("dogecoin", OutboundDegrees::Dogecoin),
        ];
        for (name, ours) in degrees {
            let mut theirs = numbers(&data["outbound_degree_cdf"][name]);
            // Dogecoin's goes on with ones to the same length; ours ends with the first.
            theirs.truncate(theirs.iter().position(|share| *share >= 1.0).unwrap() + 1);
            assert_eq!(ours.cumulative(), theirs, "{name}");
        }
    }

    #[test]
    fn ethereums_nodes_are_those_of_jabs() {
        let Some(data) = data("jabs_eth_params.json") else { return };
        assert_eq!(Distribution::Ethereum.shares().to_vec(), numbers(&data["ethereum"]["node_region_prob"]));
    }
}
