//! How tables with alternatives stand in a file: flat, with a key that names the alternative, so that
//! every error has the line of its key.
//!
//! Each form lists all keys that any of its alternatives has, and says which it cannot use.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, de};
use strum::IntoStaticStr;
use thiserror::Error;

use super::units::{BitRate, Size, Span};
use super::{
    CutDirection, Distribution, Exit, MemoryKept, NetworkYear, OutboundDegrees, Regions, ScheduledFault,
    SizeDraw, Topology,
};

/// Keys that do not make one of the alternatives.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum FormError {
    #[error("`{kind}` needs the key `{key}`; add it")]
    Missing { kind: &'static str, key: &'static str },
    #[error("`{kind}` has no key `{key}`; take it out")]
    Unused { kind: &'static str, key: &'static str },
    #[error("give {wanted}")]
    Unclear { wanted: &'static str },
}

/// One alternative of a form, and what it asks of the keys.
struct Alternative {
    kind: &'static str,
}

impl Alternative {
    fn of(kind: impl Into<&'static str>) -> Self {
        Self { kind: kind.into() }
    }

    fn need<T>(&self, (key, value): (&'static str, Option<T>)) -> Result<T, FormError> {
        value.ok_or(FormError::Missing { kind: self.kind, key })
    }

    /// Refuses the first of `keys` that was given.
    fn refuse(&self, keys: &[(&'static str, bool)]) -> Result<(), FormError> {
        match keys.iter().find(|(_, given)| *given) {
            Some((key, _)) => Err(FormError::Unused { kind: self.kind, key }),
            None => Ok(()),
        }
    }
}

/// A key, spelt by the binding that holds its value, and the value.
macro_rules! key {
    ($key:ident) => {
        (stringify!($key), $key)
    };
}

/// Keys, each with whether it was given.
macro_rules! given {
    ($($key:ident),*) => {
        [$((stringify!($key), $key.is_some())),*]
    };
}

/// A topology, or the file that its edges are in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "TopologyForm", into = "TopologyForm")]
pub(super) enum TopologySource {
    Here(Topology),
    File(PathBuf),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(super) enum TopologyKind {
    RandomRegular,
    Degrees,
    Line,
    Star,
    Edges,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TopologyForm {
    kind: TopologyKind,
    degree: Option<u32>,
    preset: Option<OutboundDegrees>,
    cumulative: Option<Vec<f64>>,
    file: Option<PathBuf>,
    edges: Option<Vec<(u32, u32)>>,
}

impl TopologyForm {
    fn of(kind: TopologyKind) -> Self {
        Self { kind, degree: None, preset: None, cumulative: None, file: None, edges: None }
    }
}

impl TryFrom<TopologyForm> for TopologySource {
    type Error = FormError;

    fn try_from(form: TopologyForm) -> Result<Self, FormError> {
        let TopologyForm { kind, degree, preset, cumulative, file, edges } = form;
        let (degree_key, table_keys, edge_keys) =
            (given!(degree), given!(preset, cumulative), given!(file, edges));
        let alternative = Alternative::of(kind);
        let refuse_all = || {
            alternative
                .refuse(&degree_key)
                .and(alternative.refuse(&table_keys))
                .and(alternative.refuse(&edge_keys))
        };
        Ok(Self::Here(match kind {
            TopologyKind::RandomRegular => {
                alternative.refuse(&table_keys).and(alternative.refuse(&edge_keys))?;
                Topology::RandomRegular { degree: alternative.need(key!(degree))? }
            }
            TopologyKind::Degrees => {
                alternative.refuse(&degree_key).and(alternative.refuse(&edge_keys))?;
                match (preset, cumulative) {
                    (Some(preset), None) => Topology::degrees(preset),
                    (None, Some(cumulative)) => Topology::Degrees { cumulative },
                    (Some(_), Some(_)) | (None, None) => {
                        return Err(FormError::Unclear { wanted: "either `preset` or `cumulative`" });
                    }
                }
            }
            TopologyKind::Line => refuse_all().map(|()| Topology::Line)?,
            TopologyKind::Star => refuse_all().map(|()| Topology::Star)?,
            TopologyKind::Edges => {
                alternative.refuse(&degree_key).and(alternative.refuse(&table_keys))?;
                match (file, edges) {
                    (Some(file), None) => return Ok(Self::File(file)),
                    (None, Some(edges)) => Topology::Edges { edges },
                    (Some(_), Some(_)) | (None, None) => {
                        return Err(FormError::Unclear { wanted: "either `file` or `edges`" });
                    }
                }
            }
        }))
    }
}

impl From<TopologySource> for TopologyForm {
    fn from(source: TopologySource) -> Self {
        let of = Self::of;
        match source {
            TopologySource::File(file) => Self { file: Some(file), ..of(TopologyKind::Edges) },
            TopologySource::Here(topology) => match topology {
                Topology::RandomRegular { degree } => {
                    Self { degree: Some(degree), ..of(TopologyKind::RandomRegular) }
                }
                Topology::Degrees { cumulative } => {
                    Self { cumulative: Some(cumulative), ..of(TopologyKind::Degrees) }
                }
                Topology::Line => of(TopologyKind::Line),
                Topology::Star => of(TopologyKind::Star),
                Topology::Edges { edges } => Self { edges: Some(edges), ..of(TopologyKind::Edges) },
            },
        }
    }
}

/// A preset, or all tables.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegionsForm {
    preset: Option<NetworkYear>,
    distribution: Option<Distribution>,
    names: Option<Vec<String>>,
    shares: Option<Vec<f64>>,
    up: Option<Vec<BitRate>>,
    down: Option<Vec<BitRate>>,
    latency: Option<Vec<Vec<Span>>>,
}

impl TryFrom<RegionsForm> for Regions {
    type Error = FormError;

    fn try_from(form: RegionsForm) -> Result<Self, FormError> {
        let RegionsForm { preset, distribution, names, shares, up, down, latency } = form;
        if let Some(network) = preset {
            Alternative::of(key!(preset).0).refuse(&given!(names, shares, up, down, latency))?;
            return Ok(Self::preset(network, distribution.unwrap_or(network.distribution())));
        }
        let alternative = Alternative::of("regions without a preset");
        alternative.refuse(&given!(distribution))?;
        Ok(Self {
            names: alternative.need(key!(names))?,
            shares: alternative.need(key!(shares))?,
            latency: alternative.need(key!(latency))?,
            up: alternative.need(key!(up))?,
            down: alternative.need(key!(down))?,
        })
    }
}

impl From<Regions> for RegionsForm {
    fn from(regions: Regions) -> Self {
        let Regions { names, shares, latency, up, down } = regions;
        Self {
            preset: None,
            distribution: None,
            names: Some(names),
            shares: Some(shares),
            up: Some(up),
            down: Some(down),
            latency: Some(latency),
        }
    }
}

/// `"60 KB"`, `{ min = "1 KB", max = "200 KB" }` or `{ median = "60 KB", sigma = 0.5 }`.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum SizeDrawForm {
    Fixed(Size),
    Table(SizeDrawTable),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SizeDrawTable {
    min: Option<Size>,
    max: Option<Size>,
    median: Option<Size>,
    sigma: Option<f64>,
}

// By hand, since serde's own for untagged alternatives forgets what was wrong, and where.
impl<'de> Deserialize<'de> for SizeDrawForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> de::Visitor<'de> for Either {
            type Value = SizeDrawForm;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("a number of bytes such as \"60 KB\", or a table of `min` and `max`, or of `median` and `sigma`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SizeDrawForm, E> {
                text.parse().map(SizeDrawForm::Fixed).map_err(E::custom)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<SizeDrawForm, A::Error> {
                SizeDrawTable::deserialize(de::value::MapAccessDeserializer::new(map))
                    .map(SizeDrawForm::Table)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl TryFrom<SizeDrawForm> for SizeDraw {
    type Error = FormError;

    fn try_from(form: SizeDrawForm) -> Result<Self, FormError> {
        let table = match form {
            SizeDrawForm::Fixed(size) => return Ok(Self::Fixed(size)),
            SizeDrawForm::Table(table) => table,
        };
        match table {
            SizeDrawTable { min: Some(min), max: Some(max), median: None, sigma: None } => {
                Ok(Self::Uniform(min, max))
            }
            SizeDrawTable { min: None, max: None, median: Some(median), sigma: Some(sigma) } => {
                Ok(Self::LogNormal(median, sigma))
            }
            SizeDrawTable { .. } => Err(FormError::Unclear {
                wanted: "`min` and `max`, or `median` and `sigma`, and nothing else",
            }),
        }
    }
}

impl From<SizeDraw> for SizeDrawForm {
    fn from(draw: SizeDraw) -> Self {
        let nothing = SizeDrawTable { min: None, max: None, median: None, sigma: None };
        match draw {
            SizeDraw::Fixed(size) => Self::Fixed(size),
            SizeDraw::Uniform(min, max) => {
                Self::Table(SizeDrawTable { min: Some(min), max: Some(max), ..nothing })
            }
            SizeDraw::LogNormal(median, sigma) => {
                Self::Table(SizeDrawTable { median: Some(median), sigma: Some(sigma), ..nothing })
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(super) enum FaultKind {
    Partition,
    Churn,
    Join,
    Leave,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultForm {
    kind: FaultKind,
    at: Span,
    lasts: Option<Span>,
    share: Option<f64>,
    direction: Option<CutDirection>,
    every: Option<Span>,
    away: Option<Span>,
    exit: Option<Exit>,
    memory: Option<MemoryKept>,
}

impl FaultForm {
    fn of(kind: FaultKind, at: Span) -> Self {
        Self {
            kind,
            at,
            lasts: None,
            share: None,
            direction: None,
            every: None,
            away: None,
            exit: None,
            memory: None,
        }
    }
}

impl TryFrom<FaultForm> for ScheduledFault {
    type Error = FormError;

    fn try_from(form: FaultForm) -> Result<Self, FormError> {
        let FaultForm { kind, at, lasts, share, direction, every, away, exit, memory } = form;
        let churn_keys = given!(every, away, exit, memory);
        let alternative = Alternative::of(kind);
        let only_share = || {
            alternative.refuse(&given!(lasts, direction)).and(alternative.refuse(&churn_keys))?;
            alternative.need(key!(share))
        };
        Ok(match kind {
            FaultKind::Partition => {
                alternative.refuse(&churn_keys)?;
                Self::Partition {
                    at,
                    lasts: alternative.need(key!(lasts))?,
                    share: alternative.need(key!(share))?,
                    direction: direction.unwrap_or(CutDirection::Both),
                }
            }
            FaultKind::Churn => {
                alternative.refuse(&given!(share, direction))?;
                Self::Churn {
                    at,
                    lasts: alternative.need(key!(lasts))?,
                    every: alternative.need(key!(every))?,
                    away: alternative.need(key!(away))?,
                    exit: exit.unwrap_or(Exit::Closed),
                    memory: memory.unwrap_or(MemoryKept::Chain),
                }
            }
            FaultKind::Join => Self::Join { at, share: only_share()? },
            FaultKind::Leave => Self::Leave { at, share: only_share()? },
        })
    }
}

impl From<ScheduledFault> for FaultForm {
    fn from(fault: ScheduledFault) -> Self {
        match fault {
            ScheduledFault::Partition { at, lasts, share, direction } => Self {
                lasts: Some(lasts),
                share: Some(share),
                direction: Some(direction),
                ..Self::of(FaultKind::Partition, at)
            },
            ScheduledFault::Churn { at, lasts, every, away, exit, memory } => Self {
                lasts: Some(lasts),
                every: Some(every),
                away: Some(away),
                exit: Some(exit),
                memory: Some(memory),
                ..Self::of(FaultKind::Churn, at)
            },
            ScheduledFault::Join { at, share } => {
                Self { share: Some(share), ..Self::of(FaultKind::Join, at) }
            }
            ScheduledFault::Leave { at, share } => {
                Self { share: Some(share), ..Self::of(FaultKind::Leave, at) }
            }
        }
    }
}
