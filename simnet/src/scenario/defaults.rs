//! What holds where a scenario says nothing. The reasons stand at the fields.

use super::units::{BitRate, Size, Span};
use super::{
    Adversaries, AdversaryKind, Assertions, ChainModel, Distribution, FetcherOptions, LinkModel, NetworkYear,
    Policy, Regions, Scenario, Sealing, SizeDraw, SmallMessages, Topology, WireSizes,
};

impl Default for Scenario {
    fn default() -> Self {
        Self {
            name: "scenario".into(),
            purpose: String::new(),
            seed: 1,
            nodes: 100,
            policies: vec![Policy::Herald],
            topology: Topology::default(),
            regions: Regions::default(),
            links: LinkModel::default(),
            wire: WireSizes::default(),
            chain: ChainModel::default(),
            adversaries: Vec::new(),
            faults: Vec::new(),
            core: None,
            fetcher: FetcherOptions::default(),
            check_stride: 0,
            assertions: Assertions::default(),
        }
    }
}

impl Default for Topology {
    fn default() -> Self {
        Self::RandomRegular { degree: 8 }
    }
}

impl Default for Regions {
    fn default() -> Self {
        Self::preset(NetworkYear::Of2019, Distribution::Bitcoin2019)
    }
}

impl Regions {
    /// One region for all nodes.
    pub fn one(latency: Span, up: BitRate, down: BitRate) -> Self {
        Self {
            names: vec!["world".into()],
            shares: vec![1.0],
            latency: vec![vec![latency]],
            up: vec![up],
            down: vec![down],
        }
    }
}

impl Default for LinkModel {
    fn default() -> Self {
        Self {
            jitter: 0.1,
            loss: 0.0,
            retransmit: Span::ms(200),
            retransmissions_max: 8,
            small_messages: SmallMessages::Overtake,
            connection_timeout: Span::s(20),
        }
    }
}

impl Default for WireSizes {
    fn default() -> Self {
        Self { header: Size(600), announcement: Size(100), request: Size(110), overhead: Size(60) }
    }
}

impl Default for ChainModel {
    fn default() -> Self {
        Self {
            blocks: 10,
            warm_up: 20,
            drain: Span::s(30),
            interval: Span::ms(13_300),
            sealing: Sealing::Poisson,
            sealers: 20,
            shares: Vec::new(),
            block_size: SizeDraw::Fixed(Size::kb(60)),
            empty_share: 0.0,
            header_check: Span::ms(1),
            import: Span::ms(50),
            finality_depth: 0,
            clock_skew: Span::ZERO,
            local_fault: 0.0,
        }
    }
}

impl Adversaries {
    /// Hostile nodes of `kind` with the default share and pace.
    pub fn new(kind: AdversaryKind) -> Self {
        Self { kind, share: share(), every: every(), delay: delay() }
    }
}

pub(super) fn share() -> f64 {
    0.2
}

pub(super) fn every() -> Span {
    Span::s(1)
}

pub(super) fn delay() -> Span {
    Span::ms(450)
}
